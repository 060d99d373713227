"""Reading partitions from an offset to their ends, outside of any group."""

import logging
from collections.abc import AsyncIterator, Iterable, Mapping
from time import monotonic
from types import TracebackType
from typing import Any, Final, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from faust.types import TP

__all__ = ["LogReader"]

_log = logging.getLogger(__name__)

# Bytes of one fetch, records of one turn: half a second of applying at most.
_FETCH_BYTES: Final = 4 * 1024 * 1024
_TURN: Final = 5_000
_WAIT_MS: Final = 1_000
# Seconds between two lines of progress.
_SAY_EVERY: Final = 5.0


class LogReader:
    """A connection to the broker that reads partitions one after another; an async context manager.

    It reads what is committed, or was written without a transaction.

    All of them are assigned once, and paused but for the one that is read: a consumer of aiokafka 0.14 whose
    assignment has just changed does not always end, since its fetcher swallows the cancellation meant for it.

    Parameters
    ----------
    connection
        What aiokafka's clients are given: ``bootstrap_servers`` and the security settings.
    tps
        The partitions that may be read.
    """

    def __init__(self, connection: Mapping[str, Any], tps: Iterable[TP]) -> None:
        self._places = [TopicPartition(*tp) for tp in tps]
        self._consumer = AIOKafkaConsumer(
            **connection,
            enable_auto_commit=False,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=_FETCH_BYTES,
        )

    async def __aenter__(self) -> Self:
        await self._consumer.start()
        self._consumer.assign(self._places)
        self._consumer.pause(*self._places)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._consumer.stop()

    async def ends(self, tps: Iterable[TP]) -> dict[TP, int]:
        """Return the end of each partition: the offset below which all is committed or aborted."""
        found = await self._consumer.end_offsets([TopicPartition(*tp) for tp in tps])
        return {TP(*tp): end for tp, end in found.items()}

    async def read(self, tp: TP, start: int, end: int) -> AsyncIterator[list[Any]]:
        """Yield the records from ``start`` on and below ``end`` in order, many at once.

        They are aiokafka's ``ConsumerRecord``. What is gone by compaction is passed over.
        """
        place = TopicPartition(*tp)
        self._consumer.seek(place, start)
        self._consumer.resume(place)
        said = monotonic()
        while (at := await self._consumer.position(place)) < end:
            found = await self._consumer.getmany(place, timeout_ms=_WAIT_MS, max_records=_TURN)
            yield [record for record in found.get(place, ()) if record.offset < end]
            if monotonic() > said + _SAY_EVERY:
                said = monotonic()
                _log.info("%s-%d: read up to offset %d of %d", *tp, at, end)
        self._consumer.pause(place)
