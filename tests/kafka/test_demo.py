"""``headrace demo``: every usable event answered, and nothing left behind however it ends."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest
from kafka.admin import KafkaAdminClient
from shop import until

from stream.ports import free_port, listens

_COMMAND = [sys.executable, "-c", "from stream.cli import main; main()", "demo"]
_SECONDS = 120.0  # for what takes 15 s on a free core
_STARTED, _READY, _AT_WORK = "Starting a worker", "worker is ready", " s: "

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds a demo's processes by /proc")


class Run:
    """A demo under way, whose temporary files and processes can be told from all others."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self.process = process
        self.folder = folder
        self.lines: list[str] = []

    def until(self, words: str) -> None:
        """Read its output up to a line with these words."""
        output: IO[str] | None = self.process.stdout
        assert output is not None
        for line in output:
            self.lines.append(line)
            if words in line:
                return
        raise AssertionError(f"no line with {words!r} in {self.lines}")

    def end(self) -> int:
        """Wait for its end, and return its exit status."""
        output, _ = self.process.communicate(timeout=_SECONDS)
        self.lines += output.splitlines()
        return self.process.returncode

    def processes(self) -> list[str]:
        """Return the command lines of the processes that have this demo's folder in their environment."""
        found = []
        for place in Path("/proc").glob("[0-9]*"):
            try:
                if str(self.folder).encode() in (place / "environ").read_bytes():
                    found.append((place / "cmdline").read_text().replace("\0", " "))
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue
        return [command for command in found if command]  # an ended one that nobody has waited for has none

    def page_port(self) -> int:
        """Return the port of the page that it has told."""
        line = next(line for line in self.lines if _READY in line)
        return int(line.rstrip().rpartition(":")[2])


@contextmanager
def _demo(folder: Path, *arguments: object, **variables: str) -> Iterator[Run]:
    """A demo in a process group of its own, as a terminal starts it, with ``folder`` for temporary files."""
    folder = folder / "temporary"
    folder.mkdir()
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HEADRACE_")}
    with subprocess.Popen(
        [*_COMMAND, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env={**clean, "TMPDIR": str(folder), **variables},
    ) as process:
        try:
            yield Run(process, folder)
        finally:
            process.kill()


def test_a_demo_answers_every_usable_event_and_leaves_nothing_behind(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    with _demo(tmp_path, "--events", 1500, "--report", report) as run:
        assert run.end() == 0, run.lines
        assert run.processes() == []
        assert list(run.folder.iterdir()) == []
        assert not listens(run.page_port())
    figures = json.loads(report.read_bytes())
    assert figures["events"] == figures["usable"] == figures["recommendations"] == 1500
    assert figures["duplicates"] == figures["dead_letters"] == figures["bad_rows"] == 0
    assert figures["drift"] == {"alarms": 0, "retrains": 0, "promotions": 0, "rollbacks": 0}
    assert set(figures["latency_ms"]) == {"p50", "p95", "p99"}
    assert figures["rows"] > 100
    for model in ("headrace", "pop", "rep"):
        assert figures["quality"][model]["scored"] > 500
        assert figures["quality"][model]["hit_rate_20"] > 0


@pytest.mark.parametrize(
    ("moment", "number"),
    [
        pytest.param(_STARTED, signal.SIGINT, id="kafka starts"),
        pytest.param(_STARTED, signal.SIGTERM, id="kafka starts, SIGTERM"),
        pytest.param(_READY, signal.SIGINT, id="ready"),
        pytest.param(_AT_WORK, signal.SIGINT, id="at work"),
    ],
)
def test_ctrl_c_leaves_nothing_behind(moment: str, number: signal.Signals, tmp_path: Path) -> None:
    with _demo(tmp_path) as run:
        run.until(moment)
        until(lambda: any(" kafka." in command for command in run.processes()), "Kafka runs")
        os.killpg(run.process.pid, number)
        assert run.end() == 130, run.lines
        assert run.processes() == []
        assert list(run.folder.iterdir()) == []


def test_no_process_outlives_a_killed_demo(tmp_path: Path) -> None:
    with _demo(tmp_path) as run:
        run.until(_READY)
        assert any(" kafka.Kafka " in command for command in run.processes())
        run.process.kill()
        until(lambda: run.processes() == [], "nothing is left behind")


def test_the_users_kafka_is_used_and_no_other_started(broker: str, tmp_path: Path) -> None:
    with _demo(tmp_path, "--events", 200, HEADRACE_BROKER=f"kafka://{broker}") as run:
        run.until(_AT_WORK)
        assert not any(" kafka.Kafka " in command for command in run.processes())
        assert run.end() == 0, run.lines
        assert run.processes() == []
    prefix = run.lines[0].rpartition("'demo-")[2].partition("'")[0]
    assert any(line.startswith("200 recommendations for 200 usable events") for line in run.lines)
    admin = KafkaAdminClient(bootstrap_servers=broker)
    until(lambda: not [it for it in admin.list_topics() if prefix in it], "its topics are gone")
    admin.close()


def test_a_broker_that_is_down_is_one_line_and_status_1(tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    with _demo(tmp_path, HEADRACE_BROKER=address) as run:
        run.until(_STARTED)
        assert run.end() == 1
        assert len(run.lines) == 2
        assert address in run.lines[1]
        assert run.processes() == []


def test_a_worker_that_cannot_start_is_told_with_the_end_of_its_log(broker: str, tmp_path: Path) -> None:
    variables = {"HEADRACE_BROKER": broker, "HEADRACE_DEVICE": "cuda", "CUDA_VISIBLE_DEVICES": ""}
    with _demo(tmp_path, **variables) as run:
        assert run.end() == 1
        assert "the worker ended with exit status" in run.lines[-1]
        assert any("cuda" in line for line in run.lines)
        assert run.processes() == []
