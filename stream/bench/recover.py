"""``headrace bench recover``: how long after ``kill -9`` a worker with much to remember is ready again."""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Final

import click
import msgspec
import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from producers.logs import open_log
from producers.plan import ReplayPlan
from producers.replayer import Replay
from stream.bench.outcome import Bound, conclude, quiet_kafka, with_file, with_runs
from stream.broker import Broker
from stream.chaos.member import Member
from stream.chaos.system import System
from stream.chaos.wait import until

__all__ = ["recover"]

# Each user and item is in the log so often.
_TIMES: Final = 3
# Events a second that go in between the kills; 500 is what a busy shop has.
_RATE: Final = 500.0
_LOAD_SECONDS: Final = (1.0, 3.0)
_LOOK_SECONDS: Final = 0.5
_FILL_SECONDS: Final = 1_200.0
_QUANTILE: Final = 0.95


class Start(msgspec.Struct, frozen=True):
    """A way to start after a kill, and what it must keep to, in seconds."""

    says: str
    bound: float
    damage: Callable[[Member], object]


class Figures(msgspec.Struct, frozen=True):
    """Seconds from the start of the process until it is ready, its imports included."""

    seconds: list[float]
    median: float
    p95: float
    bound: float

    @classmethod
    def of(cls, seconds: list[float], bound: float) -> "Figures":
        """Return the figures of some starts."""
        median, p95 = np.quantile(seconds, [0.5, _QUANTILE])
        return cls([round(one, 2) for one in seconds], round(float(median), 2), round(float(p95), 2), bound)


_STARTS: Final = {
    "warm": Start("its data folder is there", 8.0, lambda _: None),
    "cold": Start("from nothing but Kafka", 30.0, lambda member: shutil.rmtree(member.data)),
}


@click.command()
@with_runs(20, "Kills of each kind.")
@click.option("--users", type=click.IntRange(min=1), default=100_000, show_default=True)
@click.option("--items", type=click.IntRange(min=1), default=100_000, show_default=True)
@with_file
def recover(runs: int, users: int, items: int, file: Path | None) -> None:
    """Time a worker from the start of its process until it is ready, after kill -9 under load.

    Once with its data folder, and once with that deleted; exits with 1 where a bound is missed.
    """
    quiet_kafka()
    console = Console()
    with (
        tempfile.TemporaryDirectory(prefix="headrace-bench-") as name,
        _filled(Path(name), users, items) as system,
    ):
        console.print(f"{users:,} users' profiles and {items:,} items learnt")
        figures = {kind: _times(system, kind, start, runs) for kind, start in _STARTS.items()}
    console.print(_table(figures))
    bounds = [Bound(f"s, {kind}, p95", found.p95, "at most", found.bound) for kind, found in figures.items()]
    conclude("recover", {"users": users, "items": items, "starts": figures}, file, bounds=bounds)


@contextmanager
def _filled(folder: Path, users: int, items: int) -> Iterator[System]:
    """Have a worker that has learnt all there is to learn, and a load that goes on."""
    log, count = _write_log(folder / "log.csv", users, items)
    with Broker(folder / "kafka") as broker, System(broker, folder / "system", {}, "stream.app") as system:
        plan = ReplayPlan(
            log=open_log(log), broker=system.settings.broker, partitions=system.settings.partitions
        )
        Replay(plan).run()
        system.open(1, log, _RATE)
        (member,) = system.members
        until(lambda: _has_learnt(system, member, count), f"{count:,} events are learnt", _FILL_SECONDS)
        yield system


def _has_learnt(system: System, member: Member, count: int) -> bool:
    time.sleep(_LOOK_SECONDS)  # a worker that is asked all the time learns less
    system.check()
    return member.status().learnt >= count


def _write_log(path: Path, users: int, items: int) -> tuple[Path, int]:
    """Write views of items, a second apart, each user and each item often; return how many, too."""
    draw, count = np.random.default_rng(0), _TIMES * max(users, items)
    times = 1_700_000_000_000 + 1_000 * np.arange(count)
    columns = (times, draw.permutation(count) % users, draw.permutation(count) % items)
    lines = (
        f"{ts},u{user},i{item}\n" for ts, user, item in zip(*(it.tolist() for it in columns), strict=True)
    )
    path.write_text("ts,user,item\n" + "".join(lines), encoding="utf-8")
    return path, count


def _times(system: System, kind: str, start: Start, runs: int) -> Figures:
    (member,), draw = system.members, Random(0)  # noqa: S311 - no secret
    seconds = []
    for _ in track(range(runs), f"{kind} starts"):
        _let_some_pass(system, draw)
        member.kill()
        start.damage(member)
        member.start()
        seconds.append(member.until_ready())
    return Figures.of(seconds, start.bound)


def _let_some_pass(system: System, draw: Random) -> None:
    """Wait until so much more has gone in as comes in some seconds."""
    goal = system.load.sent + _RATE * draw.uniform(*_LOAD_SECONDS)
    until(lambda: system.load.sent >= goal, "more goes in", _FILL_SECONDS)


def _table(figures: dict[str, Figures]) -> Table:
    table = Table("start", "from", "runs", "median s", "p95 s", "worst s", "bound s")
    for kind, found in figures.items():
        cells = (len(found.seconds), found.median, found.p95, max(found.seconds), found.bound)
        table.add_row(kind, _STARTS[kind].says, *map(str, cells))
    return table
