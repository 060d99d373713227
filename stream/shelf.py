"""The catalog topic as every worker reads it: all of its items, whichever worker has their partitions."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from faust.types import TP

from models.catalog import Catalog
from models.codec import ITEMS
from models.errors import InvalidRecord
from models.fingerprint import fingerprints
from models.names import Names
from stream.brain import Brain
from stream.chunks import Chunk, RawRecord
from stream.clock import now_ms
from stream.outbox import dead_letter

__all__ = ["Shelf", "refused", "shelve"]

_POLL_MS: Final = 200
_POLL_RECORDS: Final = 5_000


class Shelf:
    """Keeps a worker's catalog in step with the topic, outside of any group, and the model with the catalog.

    Records that are no items are passed over; the agent that has their partition makes dead letters of them.

    Parameters
    ----------
    catalog
        Takes in what comes.
    names
        Learns what the items are called.
    brain
        Is told what is said of them.
    client
        How aiokafka's clients find the broker.
    tps
        The partitions of the topic.
    """

    _consumer: AIOKafkaConsumer

    def __init__(
        self, catalog: Catalog, names: Names, brain: Brain, *, client: Mapping[str, Any], tps: Iterable[TP]
    ) -> None:
        self._catalog, self._names, self._brain = catalog, names, brain
        self._client = client
        self._places = [TopicPartition(*tp) for tp in tps]
        self._following: asyncio.Task[None] | None = None
        self.has_caught_up = False  # whether all is known that was there at the start

    async def start(self, fail: Callable[[BaseException], Any]) -> None:
        """Connect and read from the beginning; ``fail`` is called with what ends it."""
        self._consumer = AIOKafkaConsumer(
            **self._client, enable_auto_commit=False, auto_offset_reset="earliest"
        )
        await self._consumer.start()
        self._consumer.assign(self._places)
        self._following = asyncio.create_task(self._follow(fail))

    async def stop(self) -> None:
        """Disconnect."""
        if self._following is not None:
            self._following.cancel()
            with suppress(asyncio.CancelledError):
                await self._following
            await self._consumer.stop()

    async def _follow(self, fail: Callable[[BaseException], Any]) -> None:
        try:
            ends = await self._consumer.end_offsets(self._places)
            await self._consumer.seek_to_beginning(*self._places)
            while True:
                self.has_caught_up = self.has_caught_up or await self._are_at(ends)
                found = await self._consumer.getmany(timeout_ms=_POLL_MS, max_records=_POLL_RECORDS)
                await self._take([record for records in found.values() for record in records])
        except Exception as error:  # noqa: BLE001 - whatever it is, a worker that knows no stock must not serve
            await fail(error)

    async def _are_at(self, ends: Mapping[TopicPartition, int]) -> bool:
        return all([await self._consumer.position(place) >= end for place, end in ends.items()])

    async def _take(self, records: Iterable[RawRecord]) -> None:
        for record in records:
            with suppress(InvalidRecord):
                shelve(record, self._catalog, now_ms())
        if news := self._catalog.take_news():
            names = [item.item_id for item in news.described]
            self._names.learn(fingerprints(names).tolist(), names)
            await self._brain.restock(news)


def shelve(record: RawRecord, catalog: Catalog, now: int) -> None:
    """Put an item into the catalog, or take it out where the value is null.

    ``now`` is the clock in milliseconds since the Unix epoch.

    Raises
    ------
    InvalidRecord
        If the record is no item.
    """
    if record.value is None and record.key:
        catalog.remove(record.key.decode(errors="replace"))
    else:
        catalog.put(ITEMS.decode(record.value, record.key, now))


def refused(chunk: Chunk, now: int) -> dict[int, bytes]:
    """Return dead letters, by offset, of a chunk's records that are no items; ``now`` as in `shelve`."""
    dead_letters, nowhere = {}, Catalog()
    for record in chunk.records:
        try:
            shelve(record, nowhere, now)
        except InvalidRecord as error:
            dead_letters[record.offset] = dead_letter(*chunk.tp, record, error).to_bytes()
    return dead_letters
