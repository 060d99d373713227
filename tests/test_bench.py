"""Laws of the benchmarks: figures are written whatever comes of them, and a missed bound exits with 1."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from click import Context
from click.testing import CliRunner, Result

from models.events import Event
from producers.shop.plan import ShopPlan
from producers.shop.shop import Shop
from stream.bench.commands import bench
from stream.bench.lives import Noticed, live, notice
from stream.bench.outcome import Bound, conclude


def ran(tmp_path: Path, *arguments: str) -> tuple[Result, dict[str, Any]]:
    file = tmp_path / "figures.json"
    result = CliRunner().invoke(bench, [*arguments, "--runs", "1", "--device", "cpu", "--json", str(file)])
    return result, json.loads(file.read_text())


@pytest.mark.parametrize(
    ("figure", "side", "met"),
    [(1.0, "at least", True), (0.9, "at least", False), (1.0, "at most", True), (1.1, "at most", False)],
)
def test_a_bound_holds_up_to_its_limit_and_never_for_what_is_no_number(
    figure: float, side: Any, *, met: bool
) -> None:
    assert Bound("it", figure, side, 1.0).is_met is met
    assert not Bound("it", math.nan, side, 1.0).is_met


def test_a_missed_bound_is_named_once_the_figures_are_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, bounds = tmp_path / "it.json", [Bound("kept", 0.5, "at least", 1), Bound("lost", 0, "at most", 1)]
    with pytest.raises(Exception, match=r"^it missed a bound: kept$"):
        conclude("it", {"rate": 7}, file, bounds=bounds)
    written = json.loads(file.read_text())
    assert (written["name"], written["rate"]) == ("it", 7)
    assert [one["figure"] for one in written["bounds"]] == [0.5, 0]
    assert written["machine"]["cores"] >= 1
    assert "kept: 0.5, at least 1: missed\nlost: 0, at most 1\n" in capsys.readouterr().out


def test_a_table_is_timed_and_exits_by_its_bounds(tmp_path: Path) -> None:
    result, figures = ran(tmp_path, "table", "--rows", "300", "--batch", "50")
    assert set(figures["keys_per_second"]) == {"found", "admitted", "evicted"}
    assert all(rate["lowest"] > 0 for rate in figures["keys_per_second"].values())
    missed = [one for one in figures["bounds"] if one["figure"] < one["limit"]]
    assert result.exit_code == (1 if missed else 0)


def test_rankings_and_lessons_are_timed_at_each_size(tmp_path: Path) -> None:
    sizes = ("--items", "100", "--items", "200", "--batch", "3", "--batch", "8")
    wanted = [(100, 3), (100, 8), (200, 3), (200, 8)]
    for name, key in (("rank", "ranked"), ("learn", "learnt")):
        result, figures = ran(tmp_path, name, *sizes)
        assert result.exit_code == 0, result.output
        assert [(one["items"], one["batch"]) for one in figures[key]] == wanted


def test_every_benchmark_says_what_it_is_and_can_write_its_figures() -> None:
    nowhere = Context(bench)
    for name in bench.list_commands(nowhere):
        command = bench.get_command(nowhere, name)
        assert command is not None
        assert (command.name, bool(command.help)) == (name, True)
        assert "--json" in {option for one in command.params for option in one.opts}


def test_a_shop_is_lived_through_until_its_change_is_noticed_or_is_over() -> None:
    plan = ShopPlan(users=300, items=200, views_per_day=20_000.0, days=0.2, drift_at=(0.1,))
    assert notice(plan) == Noticed(plan.seed, false_alarms=0, after=None)
    lived = live(plan, retrains=False)
    assert lived.events == sum(isinstance(record, Event) for record in Shop(plan).records())
    assert (lived.decisions, lived.was_replaced) == ([], False)
