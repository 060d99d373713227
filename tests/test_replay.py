"""The replay without Kafka: schedules, shares, and what wrong arguments say."""

import asyncio
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from producers.bundled import REES46
from producers.logs import open_log
from producers.pace import Pace, Pacer, RecordedPace, SteadyRate
from producers.plan import ReplayPlan, Share
from producers.replay import replay
from producers.report import ReplayReport
from producers.topics import bootstrap_of


class _Clock:
    """A clock that only moves when somebody works or waits; a wait ends up to ``late`` seconds late."""

    def __init__(self, late: float = 0.0) -> None:
        self.now = 1000.0
        self._late = late

    def read(self) -> float:
        return self.now

    async def idle(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds + self._late


def _released(pace: Pace, clock: _Clock, times: list[int], work: float = 0.0) -> tuple[list[float], float]:
    """Return when each event was released, in seconds after the start, and the worst lag."""

    async def run() -> tuple[list[float], float]:
        pacer, released = Pacer(pace, clock.read, clock.idle), []
        for index, ts in enumerate(times):
            await pacer.until_due(index, ts)
            released.append(clock.now - 1000.0)
            clock.now += work
        return released, pacer.worst_lag

    return asyncio.run(run())


@pytest.mark.parametrize("rate", [0.5, 10.0, 5000.0, 40_000.0])
@pytest.mark.parametrize("late", [0.0, 0.003])
def test_a_rate_is_held_and_no_event_is_early(rate: float, late: float) -> None:
    released, worst_lag = _released(SteadyRate(rate), _Clock(late), [7] * 20_000)
    lags = [at - index / rate for index, at in enumerate(released)]
    assert min(lags) > -1e-9
    assert max(lags) <= 0.010 + late + 1e-9
    assert worst_lag == pytest.approx(max(lags), abs=1e-9)


def test_who_cannot_keep_up_sees_how_far_behind_it_fell() -> None:
    _, worst_lag = _released(SteadyRate(1000.0), _Clock(), [7] * 1001, work=0.003)
    assert worst_lag == pytest.approx(2.0, rel=0.1)


def test_a_stall_is_caught_up_without_waiting() -> None:
    clock = _Clock()
    released, worst_lag = _released(_Stalling(SteadyRate(100.0), clock), clock, [7] * 1000)
    assert worst_lag == pytest.approx(2.0, abs=0.02)
    assert released[-1] == pytest.approx(9.99, abs=0.02)


class _Stalling:
    """A schedule during whose event 100 the machine stands still for two seconds."""

    def __init__(self, pace: Pace, clock: _Clock) -> None:
        self._pace = pace
        self._clock = clock

    def due(self, index: int, ts: int) -> float:
        if index == 100:
            self._clock.now += 2.0
        return self._pace.due(index, ts)


def test_recorded_gaps_shrink_by_the_speed_and_late_rows_wait_for_nobody() -> None:
    released, worst_lag = _released(RecordedPace(10.0), _Clock(), [1000, 11_000, 5_000, 61_000])
    assert released == pytest.approx([0.0, 1.0, 1.0, 6.0])
    assert worst_lag == pytest.approx(0.0, abs=1e-9)


@given(user=st.text(min_size=1), count=st.integers(1, 9))
def test_a_user_is_of_exactly_one_share(user: str, count: int) -> None:
    assert sum(Share(index, count).owns(user) for index in range(count)) == 1


@pytest.mark.parametrize("name", ["partitions", "rate", "speed", "limit", "processes", "timeout"])
@pytest.mark.parametrize("number", [0, -1])
def test_a_plan_has_only_positive_numbers(name: str, number: int) -> None:
    with pytest.raises(ValueError, match=name):
        ReplayPlan(**{"log": open_log(REES46), name: number})


def test_a_plan_has_one_pace() -> None:
    with pytest.raises(ValueError, match="not both"):
        ReplayPlan(log=open_log(REES46), rate=1.0, speed=1.0)


def test_shares_together_are_one_replay() -> None:
    one = ReplayReport(events=10, items=1, unconfirmed=0, seconds=2.0, worst_lag_ms=5.0, bad_rows=3)
    other = ReplayReport(
        events=30, items=2, unconfirmed=4, seconds=4.0, worst_lag_ms=1.0, bad_rows=3, failure="gone"
    )
    both = one.with_share(other)
    assert both == ReplayReport(
        events=40, items=3, unconfirmed=4, seconds=4.0, worst_lag_ms=5.0, bad_rows=3, failure="gone"
    )
    assert both.events_per_second == 10.0


@pytest.mark.parametrize("broker", ["127.0.0.1:9092", "kafka://127.0.0.1:9092"])
def test_a_broker_is_named_with_or_without_a_scheme(broker: str) -> None:
    assert bootstrap_of(broker) == ["127.0.0.1:9092"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["no-such-log.csv"],
        [],
        [str(REES46), "--rate", "0"],
        [str(REES46), "--limit", "-1"],
        [str(REES46), "--rate", "1", "--speed", "1"],
        [str(REES46), "--items", "no-such-items.csv"],
        [str(REES46), "--colour", "red"],
        [str(REES46), "--run", "x" * 65],
    ],
)
def test_wrong_arguments_end_with_status_2(arguments: list[str]) -> None:
    assert CliRunner().invoke(replay, arguments).exit_code == 2


def _command(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "producers.replay", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_a_missing_log_is_one_line_and_status_2() -> None:
    done = _command("no-such-log.csv")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "no-such-log.csv" in done.stderr


def test_a_dead_broker_is_one_line_and_status_1(tmp_path: Path) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{nobody.getsockname()[1]}"
        done = _command(
            str(REES46), "--broker", f"kafka://{address}", "--json", str(tmp_path / "report.json")
        )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert address in done.stderr
    assert not (tmp_path / "report.json").exists()
