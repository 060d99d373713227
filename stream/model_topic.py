"""The ``model`` topic: what the one learner has learnt, in Kafka transactions, for all who follow.

| key | value |
| --- | --- |
| ``r`` and the row's key | a row (``models.row_records``) |
| ``anew`` | no row before it counts any more; the publication that it begins has all there are |
| ``dense`` | what is no row, and how far the learner had come; the last record of a publication |
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any, Final, NamedTuple

import msgpack
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.structs import ConsumerRecord, RecordMetadata
from faust.types import TP

from models.errors import ModelError
from models.record_block import RecordBlock
from stream.chunks import RawRecord
from stream.clock import now_ms
from stream.record_batch import record_batches

__all__ = ["ANEW", "DENSE", "TRANSACTION_MS", "CommittedReader", "Dense", "DenseUnreadable", "Transactions"]

DENSE: Final = b"dense"
ANEW: Final = b"anew"
FORM: Final = 7
# Records of one poll; each is a row of some 350 bytes.
_POLL_RECORDS: Final = 5_000
_POLL_MS: Final = 200
# A learner that vanishes within a publication holds up the replicas for so long, or until one takes over.
TRANSACTION_MS: Final = 10_000
_BATCH_BYTES: Final = 1024 * 1024
# A client of aiokafka 0.14 that is fenced, or whose broker is away, cannot end in good order: it waits, or
# raises the cancellation of its own tasks.
_END_SECONDS: Final = 2.0


class DenseUnreadable(ModelError, ValueError):
    """A record that is no dense part of this version's."""


class Dense(NamedTuple):
    """What the learner is besides its rows, as of ``version``: the model's state, the learner's progress."""

    version: int
    state: dict[str, Any]
    progress: dict[str, Any]

    def to_bytes(self) -> bytes:
        """Return one msgpack map."""
        packed: bytes = msgpack.packb({"form": FORM, **self._asdict()})
        return packed

    @classmethod
    def from_bytes(cls, raw: bytes) -> "Dense":
        """Return what `to_bytes` wrote.

        Raises
        ------
        DenseUnreadable
            If it is of another form, or something else.
        """
        try:
            fields = msgpack.unpackb(raw)
            if fields.pop("form") == FORM:
                return cls(**fields)
        except (ValueError, TypeError, LookupError, AttributeError, msgpack.UnpackException):
            pass
        raise DenseUnreadable("the model topic is of another version: set another HEADRACE_TOPIC_PREFIX")


class CommittedReader:
    """Follows one partition, outside of any group: reads what is committed, and waits for more.

    Parameters
    ----------
    client
        How aiokafka's clients find the broker.
    tp
        What to read.
    identity
        Asks the broker which topic that is now; it may take a while.
    """

    def __init__(self, client: Mapping[str, Any], tp: TP, identity: Callable[[], str]) -> None:
        self._tp = TopicPartition(*tp)
        self._identity = identity
        self._consumer = AIOKafkaConsumer(
            **client,
            enable_auto_commit=False,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=8 * _BATCH_BYTES,
        )

    async def start(self, offset: int) -> None:
        """Connect, and read from ``offset``, or from where the log begins now."""
        await self._consumer.start()
        self._consumer.assign([self._tp])
        offsets: dict[TopicPartition, int] = await self._consumer.beginning_offsets([self._tp])
        self.seek(max(offset, offsets[self._tp]))

    async def stop(self) -> None:
        """Disconnect."""
        await _end(self._consumer.stop())

    def seek(self, offset: int) -> None:
        """Read on from ``offset``."""
        self._consumer.seek(self._tp, offset)

    async def end(self, of: TP | None = None) -> int:
        """Return the offset below which all that is there now is committed or aborted, here or elsewhere."""
        place = self._tp if of is None else TopicPartition(*of)
        offsets: dict[TopicPartition, int] = await self._consumer.end_offsets([place])
        return offsets[place]

    async def identity(self) -> str:
        """Return which topic it is, apart from another of the same name."""
        return await asyncio.to_thread(self._identity)

    async def is_at(self, end: int) -> bool:
        """Say whether all below ``end`` has been read."""
        position: int = await self._consumer.position(self._tp)
        return position >= end

    async def poll(self) -> list[RawRecord]:
        """Return what has come, waiting for it for a while."""
        found: dict[TopicPartition, list[ConsumerRecord[bytes, bytes]]]
        found = await self._consumer.getmany(self._tp, timeout_ms=_POLL_MS, max_records=_POLL_RECORDS)
        return list(found.get(self._tp, ()))


class Transactions:
    """A producer of which only the newest may write: an older one of the same name is fenced by the broker.

    Parameters
    ----------
    client
        How aiokafka's clients find the broker.
    name
        The ``transactional.id``.
    milliseconds
        What a transaction may take.
    """

    def __init__(self, client: Mapping[str, Any], name: str, milliseconds: int = TRANSACTION_MS) -> None:
        self._producer = AIOKafkaProducer(
            **client,
            transactional_id=name,
            transaction_timeout_ms=milliseconds,
            max_batch_size=_BATCH_BYTES,
            max_request_size=4 * _BATCH_BYTES,
        )

    async def start(self) -> None:
        """Fence the older ones, which ends what they had not committed."""
        await self._producer.start()

    async def stop(self) -> None:
        """Disconnect."""
        await _end(self._producer.stop())

    async def write(self, runs: Iterable[tuple[str, Iterable[RecordBlock]]]) -> int:
        """Write runs of keyed records to partition 0 of each topic, in order, all or none of them.

        Return the offset of the first record of the last run. Where this is broken off or fails, nothing more
        can be written: the next of its name ends what is open.

        Raises
        ------
        aiokafka.errors.KafkaError
            The broker did not take it, did not say whether it took it, or knows a newer producer.
        """
        await self._producer.begin_transaction()  # aiokafka's context would wait for an away broker to abort
        sent = [await self._write(topic, blocks) for topic, blocks in runs]
        await self._producer.commit_transaction()
        return int((await sent[-1][0]).offset)

    async def _write(
        self, topic: str, blocks: Iterable[RecordBlock]
    ) -> "list[asyncio.Future[RecordMetadata]]":
        """Return the confirmation of each batch."""
        batches = await asyncio.to_thread(lambda: list(record_batches(blocks, _BATCH_BYTES, now_ms())))
        sent = []
        for batch in batches:
            sent.append(await self._producer.send_batch(batch, topic, partition=0))
            # What ends a transaction is raised once, by its end.
            sent[-1].add_done_callback(lambda done: done.cancelled() or done.exception())
        return sent


async def _end(disconnecting: Coroutine[Any, Any, None]) -> None:
    """Disconnect, or give up after some seconds."""
    task = asyncio.ensure_future(disconnecting)
    await asyncio.wait([task], timeout=_END_SECONDS)
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    task.cancel()
