"""A worker under load, alone and beside a challenger that is trained and on trial."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import msgspec
import numpy as np
import psutil
from faust.types import TP

from models.events import Recommendation
from producers.plan import ReplayPlan
from producers.replayer import Replay
from producers.shop.plan import DAY_MS, ShopPlan
from producers.shop.traffic import Traffic
from stream.chaos.system import System
from stream.chaos.wait import StormFailed, until
from stream.log_reader import LogReader
from stream.security import client_options
from stream.topics import BROWSE, ORDERS

__all__ = ["Stretch", "Stretches"]

# Events before the first stretch, all of which a challenger is trained on: it takes longer than a stretch.
_BEFORE: Final = 120_000
_FLAT_OUT: Final = 30_000
_PACED_SECONDS: Final = 20.0
_SHARE: Final = 0.5
_WAIT_SECONDS: Final = 300.0
_PROCESS: Final = "stream.challenge.child"
_decode = msgspec.msgpack.Decoder(Recommendation).decode


class Stretch(msgspec.Struct, frozen=True):
    """Events a second flat out, and milliseconds from an event's send to its answer's at half of that."""

    events_per_second: float
    p50: float
    p99: float


class Stretches:
    """Measures the one worker of a system.

    Parameters
    ----------
    system
        Has a worker that is ready, and nothing goes in.
    """

    def __init__(self, system: System) -> None:
        (self._worker,) = system.members
        self._settings, self._name = system.settings, system.topics.name
        self._shops, self._rate = 0, 0.0

    def begin(self) -> None:
        """Have the worker learn enough to train a challenger on, and find out what it can do."""
        self._publish(_BEFORE, None)
        self._rate = _SHARE * self._flat_out()

    def run(self) -> Stretch:
        """Measure once, at a pace first."""
        p50, p99 = self._paced()
        return Stretch(round(self._flat_out(), 1), p50, p99)

    @contextmanager
    def beside(self) -> Iterator[None]:
        """Have a challenger trained and judged meanwhile; raises `StormFailed` if it did not last."""
        asked = self._worker.client.retrain("a benchmark")
        until(
            lambda: bool(self._challengers()), f"a challenger, as offset {asked.offset} asks", _WAIT_SECONDS
        )
        (process,) = self._challengers()
        yield
        if self._challengers() != [process]:
            raise StormFailed("the trial has ended before the measurement")
        process.kill()
        until(self._is_alone, "the trial is over", _WAIT_SECONDS)

    def _is_alone(self) -> bool:
        last = self._worker.client.decisions(1)
        return bool(last) and last[-1].kind == "retrain-dropped" and not self._challengers()

    def _challengers(self) -> list[psutil.Process]:
        children = psutil.Process().children(recursive=True)
        return [it for it in children if it.is_running() and _PROCESS in " ".join(_command(it))]

    def _flat_out(self) -> float:
        """Return events a second."""
        return _FLAT_OUT / self._publish(_FLAT_OUT, None)

    def _paced(self) -> tuple[float, float]:
        """Return the percentiles of latency at half of what the worker can do, in milliseconds."""
        begin = asyncio.run(self._ends())
        self._publish(int(self._rate * _PACED_SECONDS), self._rate)
        p50, p99 = np.quantile(asyncio.run(self._latencies(begin)), [0.5, 0.99]).tolist()
        return round(p50, 1), round(p99, 1)

    def _publish(self, events: int, rate: float | None) -> float:
        """Publish events of a shop that nobody has seen; return seconds until they are learnt."""
        view, start = self._worker.client.status(), time.monotonic()
        self._shops += 1
        shop = ShopPlan(seed=self._shops, start=ShopPlan().start + self._shops * 10 * DAY_MS)
        settings = self._settings
        plan = ReplayPlan(
            log=Traffic(shop),
            broker=settings.broker,
            prefix=settings.topic_prefix,
            partitions=settings.partitions,
            rate=rate,
            limit=events,
        )
        Replay(plan).run()

        def is_done() -> bool:
            now = self._worker.client.status()
            return now.handled >= view.handled + events and now.learnt >= now.handed_on

        until(is_done, f"{events} events are learnt", _WAIT_SECONDS)
        return time.monotonic() - start

    async def _ends(self) -> dict[TP, int]:
        async with self._reader() as reader:
            return await reader.ends(self._places)

    async def _latencies(self, begin: dict[TP, int]) -> list[int]:
        """Return milliseconds from each event since then to its answer."""
        sent, latencies = dict[str, int](), list[int]()
        async with self._reader() as reader:
            ends = await reader.ends(self._places)
            for tp in self._places:  # those of events first
                async for records in reader.read(tp, begin[tp], ends[tp]):
                    if tp.topic == self._name("recommendations"):
                        answered = ((_decode(it.value).recommendation_id, it.timestamp) for it in records)
                        latencies += [at - sent[name] for name, at in answered]
                    else:
                        sent |= {f"{tp.topic}-{tp.partition}-{it.offset}": it.timestamp for it in records}
        return latencies

    def _reader(self) -> LogReader:
        return LogReader(client_options(self._settings), self._places)

    @property
    def _places(self) -> list[TP]:
        topics = map(self._name, (BROWSE, ORDERS, "recommendations"))
        return [TP(topic, number) for topic in topics for number in range(self._settings.partitions)]


def _command(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:  # it has just ended
        return []
