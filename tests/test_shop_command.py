"""``headrace shop`` without Kafka: the files that it writes, and what it says where it cannot."""

import gzip
import subprocess
import sys
from pathlib import Path

import msgspec
from click.testing import CliRunner

from producers.logs import open_log, read_log
from producers.reading import Reading
from stream.cli import main

_SMALL = ("--users", "200", "--items", "100", "--days", "0.2", "--views-per-day", "5000")


def _run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(main, ["shop", *_SMALL, *map(str, arguments)])
    return result.exit_code, result.stdout, result.stderr


def test_files_are_written_and_nothing_is_published(tmp_path: Path) -> None:
    log, items, truth = (tmp_path / name for name in ("shop.jsonl.gz", "items.jsonl", "truth.jsonl"))
    status, output, errors = _run("--log", log, "--catalog", items, "--truth", truth, "--limit", 300)
    assert (status, errors, output.count("\n")) == (0, "", 3)
    assert "300 events" in output
    assert len(gzip.decompress(log.read_bytes()).splitlines()) == 300
    reading = Reading()
    assert sum(1 for _ in read_log(open_log(log, items=items), reading)) > 300
    assert reading.bad == 0
    plan, first, *_ = map(msgspec.json.decode, truth.read_bytes().splitlines())
    assert plan["plan"]["users"] == 200
    assert {"event_id", "user_id", "item_id", "p_cart", "p_purchase", "purchase_ts"} <= first.keys()


def test_the_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    logs = [tmp_path / f"{name}.jsonl.gz" for name in ("one", "two", "other")]
    for log, seed in zip(logs, (7, 7, 8), strict=True):
        assert _run("--log", log, "--seed", seed)[0] == 0
    one, two, other = (log.read_bytes() for log in logs)
    assert one == two != other


def test_a_file_that_cannot_be_written_is_one_line_and_status_1(tmp_path: Path) -> None:
    status, output, errors = _run("--truth", tmp_path / "no" / "truth.jsonl", "--log", tmp_path / "log.jsonl")
    assert (status, output, errors.count("\n")) == (1, "", 1)
    assert "truth.jsonl" in errors


def test_evaluate_reads_what_shop_wrote(tmp_path: Path) -> None:
    log, report = tmp_path / "shop.jsonl", tmp_path / "report.json"
    assert _run("--log", log, "--limit", 600)[0] == 0
    command = [sys.executable, "-c", "from stream.cli import main; main()", "evaluate", str(log)]
    command += ["--baselines", "fast", "--batch", "200", "--json", str(report)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    found = msgspec.json.decode(report.read_bytes())
    assert (found["usable"], found["dead_letters"], found["duplicates"]) == (600, 0, 0)


def test_evaluate_retrains_where_it_is_asked_to_and_tells_the_story(tmp_path: Path) -> None:
    log, report = tmp_path / "shop.jsonl", tmp_path / "report.json"
    assert _run("--log", log, "--views-per-day", 45_000, "--days", 0.4)[0] == 0
    arguments = ["evaluate", str(log), "--retrain", "--baselines", "fast", "--batch", "256"]
    schedule = {"HEADRACE_RETRAIN_HOURS": "8", "HEADRACE_RETRAIN_EXAMPLES": "4000", "HEADRACE_DEVICE": "cpu"}
    result = CliRunner().invoke(main, [*arguments, "--json", str(report)], env=schedule)
    assert result.exit_code == 0, result.output
    found = msgspec.json.decode(report.read_bytes())
    began, trained, *_ = found["decisions"]
    assert (began["kind"], trained["kind"]) == ("retrain-started", "retrain-trained")
    # The schedule begins with the first example, and hours are those of the events.
    first = msgspec.json.decode(log.read_bytes().splitlines()[0])["ts"]
    assert 8 <= (began["ts"] - first) / 3_600_000 < 8.5
    assert 4_000 <= began["details"]["to"] - began["details"]["from"] < 4_000 + 256
    assert found["drift"]["retrains"] == 1
    assert "\n2024-01-01 08:" in result.output
    assert "8 hours have passed" in result.output
