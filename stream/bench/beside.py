"""``headrace bench beside``: what a worker loses while a challenger is trained beside it."""

import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click
import msgspec
from rich.console import Console
from rich.table import Table

from stream.bench.outcome import Bound, conclude, quiet_kafka, with_file, with_runs
from stream.bench.stretches import Stretch, Stretches
from stream.broker import Broker
from stream.chaos.system import System

__all__ = ["beside"]

# What of the throughput must be left, and how much longer the slowest answers may take.
_LEFT: Final = 0.8
_LONGER: Final = 2.0


class Pair(msgspec.Struct, frozen=True):
    """A worker alone, and beside a challenger, one after the other."""

    alone: Stretch
    beside: Stretch

    @property
    def left(self) -> float:
        return self.beside.events_per_second / self.alone.events_per_second

    @property
    def longer(self) -> float:
        return self.beside.p99 / self.alone.p99


@click.command()
@with_runs(5, "Stretches of each.")
@with_file
def beside(runs: int, file: Path | None) -> None:
    """Time a worker alone and beside a challenger, in turns: flat out, and at half of that.

    Exits with 1 where, at the median, less than 80 % of the throughput are left or the 99th percentile of
    latency is more than twice as long.
    """
    quiet_kafka()
    console, pairs = Console(), []
    with tempfile.TemporaryDirectory(prefix="headrace-bench-") as name, _stretches(Path(name)) as stretches:
        with console.status("120,000 events to learn from"):
            stretches.begin()
        for number in range(1, runs + 1):
            with console.status(f"run {number} of {runs}: alone"):
                alone = stretches.run()
            with console.status(f"run {number} of {runs}: beside a challenger"), stretches.beside():
                pairs.append(Pair(alone, stretches.run()))
    console.print(_table(pairs))
    left, longer = (statistics.median(getattr(it, name) for it in pairs) for name in ("left", "longer"))
    bounds = [
        Bound("of the throughput is left", left, "at least", _LEFT),
        Bound("times the 99th percentile", longer, "at most", _LONGER),
    ]
    conclude("beside", {"runs": pairs}, file, bounds=bounds)


@contextmanager
def _stretches(folder: Path) -> Iterator[Stretches]:
    """Have a worker that trains nobody but whom it is asked for."""
    asked = {"HEADRACE_RETRAIN": "asked"}
    with Broker(folder / "kafka") as broker, System(broker, folder / "system", asked, "stream.app") as system:
        system.join().until_ready()
        yield Stretches(system)


def _table(pairs: list[Pair]) -> Table:
    table = Table("run", "", "events/s", "p50 ms", "p99 ms")
    for number, pair in enumerate(pairs, start=1):
        for name in ("alone", "beside"):
            stretch: Stretch = getattr(pair, name)
            rates = f"{stretch.events_per_second:,.0f}", f"{stretch.p50}", f"{stretch.p99}"
            table.add_row(str(number), name, *rates)
    return table
