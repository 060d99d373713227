"""``headrace bench fresh``: how long until what an event has taught is served by another worker."""

import tempfile
import time
from collections.abc import Iterator
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

from producers.bundled import REES46
from stream.bench.freshness import Freshness, Probe
from stream.bench.outcome import Bound, conclude, quiet_kafka, with_file, with_runs
from stream.broker import Broker
from stream.chaos.system import System

__all__ = ["fresh"]

# Events a second beside the probe's: what a busy shop has.
_RATE: Final = 500.0
# Publications come at a rhythm; probes that came at it too would all wait as long.
_PAUSE_SECONDS: Final = 0.5
_WAIT_SECONDS: Final = 30.0
_SAYS: Final = {
    "answered": "its recommendation is published",
    "served": "the other worker serves a model that has learnt from it",
    "found": "its item, new to all, is in lists of the other worker",
}
# Milliseconds, at the 95th percentile.
_BOUND: Final = 1_000.0
_BOUNDED: Final = "served"


class Figures(msgspec.Struct, frozen=True):
    """Milliseconds from the publication of an event."""

    p50: float
    p95: float
    worst: float

    @classmethod
    def of(cls, seconds: list[float]) -> "Figures":
        """Return the figures of some events."""
        return cls(*(round(1_000 * float(it), 1) for it in np.quantile(seconds, [0.5, 0.95, 1.0])))


@click.command()
@with_runs(100, "Events probed.")
@with_file
def fresh(runs: int, file: Path | None) -> None:
    """Time the way from an event to another worker that has not learnt it itself, beside 500 events/s.

    Exits with 1 where the model that has learnt from it is not served there within a second, at the 95th
    percentile.
    """
    quiet_kafka()
    console = Console()
    with tempfile.TemporaryDirectory(prefix="headrace-bench-") as name, _probe(Path(name)) as probe:
        found = _times(probe, runs)
    figures = {name: Figures.of([getattr(one, name) for one in found]) for name in _SAYS}
    console.print(_table(figures))
    bound = Bound(f"ms until {_SAYS[_BOUNDED]}, p95", figures[_BOUNDED].p95, "at most", _BOUND)
    conclude("fresh", {"runs": runs, "rate": _RATE, "ms": figures}, file, bounds=[bound])


@contextmanager
def _probe(folder: Path) -> Iterator[Probe]:
    """Have two workers of which one learns, a load, and what asks the other."""
    with Broker(folder / "kafka") as broker, System(broker, folder / "system", {}, "stream.app") as system:
        other = system.join(HEADRACE_LEARNER="no")
        system.open(1, REES46, _RATE)
        with Probe(broker.address, system.topics, other.client, _WAIT_SECONDS) as probe:
            yield probe


def _times(probe: Probe, runs: int) -> list[Freshness]:
    seeker, draw, times = probe.find_seeker(), Random(0), []  # noqa: S311 - no secret
    for number in track(range(runs), "probes"):
        time.sleep(draw.uniform(0, _PAUSE_SECONDS))
        times.append(probe.run(number, seeker))
    return times


def _table(figures: dict[str, Figures]) -> Table:
    table = Table("from an event until", "p50 ms", "p95 ms", "worst ms")
    for name, found in figures.items():
        table.add_row(_SAYS[name], str(found.p50), str(found.p95), str(found.worst))
    return table
