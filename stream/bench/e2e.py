"""``headrace bench e2e``: events a second and latency through one worker, with the full model."""

import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Final

import click
import msgspec
import numpy as np
from rich.console import Console
from rich.table import Table

from models.events import Event, Item
from producers.shop.plan import ShopPlan
from producers.shop.shop import Shop
from producers.source import Gone
from stream.bench.outcome import Bound, conclude, quiet_kafka, with_file, with_runs
from stream.bench.stopwatch import Stopwatch
from stream.broker import Broker
from stream.chaos.member import Member
from stream.chaos.system import System
from stream.chaos.wait import until

__all__ = ["e2e"]

# A shop of ten thousand items, from its first event on: what is learnt of it is learnt in the run.
_ITEMS: Final = 10_000
_EVENTS: Final = 60_000
_SHARES: Final = (0.25, 0.5, 0.75, 1.0)
_HALF: Final = 0.5
_WAIT_SECONDS: Final = 300.0
# Events a second flat out; of the hit rate of the same events at half of that; and milliseconds then.
_RATE: Final = 10_000.0
_OF_HIT_RATE: Final = 0.95
_P50_MS, _P99_MS = 30.0, 150.0

Records = list[Event | Item | Gone]


class Paced(msgspec.Struct, frozen=True):
    """Milliseconds from when an event was due to when its answer could be read, at a share of capacity."""

    share: float
    p50: float
    p99: float
    hit_rate_20: float


class Run(msgspec.Struct, frozen=True):
    """One shop: all of its events flat out, and again at shares of that rate, each through a new worker."""

    events_per_second: float
    hit_rate_20: float
    resident_mib: int
    paced: list[Paced]

    @property
    def half(self) -> Paced:
        return next(it for it in self.paced if it.share == _HALF)


@click.command()
@with_runs(5, "Shops, each lived through by new workers.")
@with_file
def e2e(runs: int, file: Path | None) -> None:
    """Time a worker with the full model on made-up shops of 10,000 items: each event answered and learnt.

    Flat out, then at 25, 50, 75 and 100 % of that in the first run, at 50 % in the others. Exits with 1 where
    it takes less than 10,000 events a second, keeps less than 0.95 of the paced hit rate, or at half of
    capacity an answer takes 30 ms at the median or 150 ms at the 99th percentile.
    """
    quiet_kafka()
    console, done = Console(), list[Run]()
    with (
        tempfile.TemporaryDirectory(prefix="headrace-bench-") as name,
        Broker(Path(name) / "kafka") as broker,
    ):
        workers = Workers(broker, Path(name))
        for seed in range(runs):
            with console.status(f"run {seed + 1} of {runs}"):
                done.append(workers.live(seed, _SHARES if not seed else (_HALF,)))
            console.print(f"run {seed + 1}: {done[-1].events_per_second:,.0f} events/s", highlight=False)
    console.print(_table(done))
    conclude("e2e", {"items": _ITEMS, "events": _EVENTS, "runs": done}, file, bounds=_bounds(done))


class Workers:
    """Has workers live through shops, each on topics of its own.

    Parameters
    ----------
    broker
        A running Kafka.
    folder
        For what workers keep.
    """

    def __init__(self, broker: Broker, folder: Path) -> None:
        self._broker, self._folder, self._number = broker, folder, count()

    def live(self, seed: int, shares: tuple[float, ...]) -> Run:
        """Return how a shop went flat out, and at shares of that."""
        shop = Shop(ShopPlan(seed=seed, items=_ITEMS))
        records: Records = list(shop.records(limit=_EVENTS))
        with self._worker() as (worker, stopwatch):
            start = time.monotonic()
            stopwatch.run(records)
            self._until_learnt(worker)
            rate = _EVENTS / (time.monotonic() - start)
            view = worker.status()
        paced = [self._paced(records, share, share * rate) for share in shares]
        hit_rate, resident = view.quality["headrace"].hit_rate_20, view.resident_bytes // 2**20
        return Run(round(rate, 1), hit_rate, resident, paced)

    def _paced(self, records: Records, share: float, rate: float) -> Paced:
        with self._worker() as (worker, stopwatch):
            latencies = 1e3 * stopwatch.run(records, rate)
            self._until_learnt(worker)
            hit_rate = worker.status().quality["headrace"].hit_rate_20
        p50, p99 = np.quantile(latencies, [0.5, 0.99]).tolist()
        return Paced(share, round(p50, 1), round(p99, 1), hit_rate)

    @contextmanager
    def _worker(self) -> Iterator[tuple[Member, Stopwatch]]:
        name = f"e2e-{next(self._number)}"
        own = {"HEADRACE_TOPIC_PREFIX": f"{name}-", "HEADRACE_APP_ID": name}
        with System(self._broker, self._folder / name, own, "stream.app") as system:
            worker = system.join()
            worker.until_ready()
            yield worker, Stopwatch(system.settings)

    def _until_learnt(self, worker: Member) -> None:
        def is_learnt() -> bool:
            view = worker.status()
            return view.handled >= _EVENTS and view.learnt >= view.handed_on

        until(is_learnt, "all is learnt", _WAIT_SECONDS)


def _bounds(done: list[Run]) -> list[Bound]:
    rate = statistics.median(run.events_per_second for run in done)
    kept = statistics.median(run.hit_rate_20 / run.half.hit_rate_20 for run in done)
    p50, p99 = (statistics.median(getattr(run.half, name) for run in done) for name in ("p50", "p99"))
    return [
        Bound("events a second", rate, "at least", _RATE),
        Bound("of the paced hit rate, flat out", kept, "at least", _OF_HIT_RATE),
        Bound("ms to an answer at half of capacity, p50", p50, "at most", _P50_MS),
        Bound("ms to an answer at half of capacity, p99", p99, "at most", _P99_MS),
    ]


def _table(done: list[Run]) -> Table:
    table = Table("run", "of capacity", "events/s", "p50 ms", "p99 ms", "hit_rate_20", "resident MiB")
    for number, run in enumerate(done, start=1):
        rate = run.events_per_second
        table.add_row(
            f"{number}", "flat out", f"{rate:,.0f}", "", "", f"{run.hit_rate_20}", f"{run.resident_mib}"
        )
        for it in run.paced:
            times = f"{it.p50}", f"{it.p99}", f"{it.hit_rate_20}"
            table.add_row("", f"{it.share:.0%}", f"{it.share * rate:,.0f}", *times, "")
    return table
