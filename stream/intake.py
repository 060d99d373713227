"""From the chunks of several topics to batches of one partition, in event-time order."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from contextlib import suppress
from time import monotonic
from typing import Final

from faust.types import TP

from stream.arrivals import Arrivals, Released
from stream.chunks import Chunk
from stream.consumer import ChunkConsumer

__all__ = ["Intake"]

# Batches of a lane that may wait for another lane before its partition is held.
_WAITING_BATCHES: Final = 8
# And bytes, where records are large.
_WAITING_BYTES: Final = 32 * 1024 * 1024
# Seconds between two looks while a lane waits for another that has more to come.
_LOOK_AGAIN: Final = 0.005
# Seconds after which a lane waits no longer: the other's rest may be markers that are never delivered.
_PATIENCE: Final = 2.0


class Intake:
    """Releases what is next in event time, and holds the partitions that run ahead.

    Parameters
    ----------
    topics
        Those whose partitions of one number belong together. What of them is not handled yet is waited for,
        also of one that is not among the chunks: users are erased before events are folded.
    limit
        The most records of a batch.
    consumer
        Returns the app's consumer.
    clock
        Returns milliseconds since the Unix epoch.
    """

    def __init__(
        self,
        topics: tuple[str, ...],
        limit: int,
        consumer: Callable[[], ChunkConsumer],
        clock: Callable[[], int],
    ) -> None:
        self._topics = topics
        self._limit = limit
        self._consumer = consumer
        self._clock = clock
        self._arrivals = Arrivals(limit)
        self._held: set[TP] = set()
        self._news = asyncio.Event()
        self._moved_at: dict[int, float] = {}  # monotonic seconds of a partition's last release

    async def batches(self, chunks: AsyncIterable[Chunk]) -> AsyncIterator[Released]:
        """Yield batches until the chunks end.

        Chunks are taken in while a batch is being handled, so that the next one is all that has come.
        """
        reader = asyncio.create_task(self._take_in(chunks))
        try:
            while not (reader.done() and self.is_empty):
                self._news.clear()
                released = False
                for batch in self._released():
                    released = True
                    yield batch
                if not released:
                    await self._wait_for_news(None if self.is_empty else _LOOK_AGAIN)
            await reader  # raises what ended it
        finally:
            reader.cancel()

    async def _take_in(self, chunks: AsyncIterable[Chunk]) -> None:
        try:
            async for chunk in chunks:
                self._arrivals.add(chunk, self._clock())
                self._hold_those_ahead()
                self._news.set()
        finally:
            self._news.set()

    async def _wait_for_news(self, seconds: float | None) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._news.wait(), seconds)

    @property
    def is_empty(self) -> bool:
        """Whether nothing that has arrived waits."""
        return not self._arrivals.partitions()

    def forget(self, tps: Iterable[TP]) -> None:
        """Drop what waits of partitions that were given up."""
        for tp in tps:
            self._arrivals.forget([tp])
            self._moved_at.pop(tp.partition, None)

    def _released(self) -> Iterator[Released]:
        for partition in self._arrivals.partitions():
            since = self._moved_at.setdefault(partition, monotonic())
            unfinished = () if monotonic() - since > _PATIENCE else self._unfinished(partition)
            batch = self._arrivals.release(partition, unfinished)
            if batch is not None:
                self._moved_at.pop(partition)
                yield batch
        self._hold_those_ahead()

    def _unfinished(self, partition: int) -> list[str]:
        """Return the topics of which the broker has more than has arrived here."""
        tps = [TP(topic, partition) for topic in self._topics]
        return [tp.topic for tp in tps if self._has_more(tp)]

    def _has_more(self, tp: TP) -> bool:
        """Say whether more is to come: of the broker, without markers, or on its way through a queue."""
        consumer = self._consumer()
        taken = consumer.ledger.taken(tp)
        return consumer.backlog(tp) != 0 or taken not in (None, self._arrivals.next_offset(tp))

    def _is_ahead(self, tp: TP) -> bool:
        records, size = self._arrivals.waiting(tp)
        return records > _WAITING_BATCHES * self._limit or size > _WAITING_BYTES

    def _hold_those_ahead(self) -> None:
        consumer = self._consumer()
        tps = (TP(topic, partition) for partition in self._arrivals.partitions() for topic in self._topics)
        ahead = {tp for tp in tps if self._is_ahead(tp)}
        for tp in ahead:
            consumer.hold(tp)
        for tp in self._held - ahead:
            consumer.release(tp)
        self._held = ahead
