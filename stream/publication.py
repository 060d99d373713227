"""Publications of the learner, each of one moment, on a connection that only the newest learner has."""

import asyncio
import logging
import math
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgpack
from aiokafka.errors import IllegalOperation, KafkaError

from models.codec import encode
from models.events import Decision
from models.record_block import RecordBlock
from models.row_records import row_records
from models.snapshot import Snapshot
from stream.clock import now_ms
from stream.errors import StreamError
from stream.model_topic import ANEW, DENSE, TRANSACTION_MS, Dense, Transactions
from stream.replica import Applied, Replica
from stream.wire import Wire

__all__ = ["PUBLISH_SECONDS", "LearnerBehind", "LearnerReplaced", "News", "Publications"]

_log = logging.getLogger(__name__)
_RETRY_SECONDS: Final = 0.5
# From one publication to the next, at least: other workers serve what was learnt within half a second.
PUBLISH_SECONDS: Final = 0.4
_NAME_BYTES: Final = 8
# Kafka appends one control record to a committed transaction.
_COMMIT_MARKERS: Final = 1

# What the broker lets a transaction take by default, at most, and a row that is published anew.
_LONGEST_MS: Final = 900_000
_ROW_MS: Final = 1
# Of a whole model; a broker that does not take it then, does not take it at all. One that lets no transaction
# take so long opens none.
_TRIES: Final = 3
_OPEN_SECONDS: Final = 30.0

Runs = list[tuple[str, list[RecordBlock]]]


class LearnerBehind(StreamError):
    """What was learnt could not be published in time."""

    def __str__(self) -> str:
        return (
            "the broker took no publication of the model in time; the next learner takes the last steps again"
        )


class ModelNotTaken(StreamError):
    """The broker does not take a whole model at once, though it is there."""


class LearnerReplaced(StreamError):
    """Another worker has taken over the learning, and this one did not notice: it was frozen, or cut off."""


class News(NamedTuple):
    """What goes with the rows: sizes of steps, decisions, and whether no row of before counts any more."""

    steps: list[int]
    decisions: Sequence[Decision] = ()
    is_anew: bool = False


class Publications:
    """Publishes to the replicas and the next learner, each time in one Kafka transaction.

    Parameters
    ----------
    replica
        Brings this worker up to date with what others have committed.
    wire
        Where to publish.
    """

    def __init__(self, replica: Replica, wire: Wire) -> None:
        self._replica = replica
        self._wire = wire
        self._transactions = self._new_transactions()
        # Two who took over and published nothing have the same epoch, but not the same name.
        self._name = secrets.token_hex(_NAME_BYTES)
        self._replica.own = self._name
        self._found = -1  # the newest publication that was there when this one began
        self._end = 0  # of the log, as this one's last transaction left it

    async def open(self) -> None:
        """Fence every learner before this one, and apply what they committed.

        Raises
        ------
        aiokafka.errors.KafkaError
            If the broker is away.
        """
        await self._connect()
        self._found, self._end = self._replica.newest.offset, await self._replica.end()

    async def close(self) -> None:
        """Disconnect."""
        await self._transactions.stop()

    async def publish(self, part: Snapshot, progress: Mapping[str, Any], news: News) -> int:
        """Publish what was learnt; it is tried again until the broker has it.

        Return the offset of the model topic from which a replica that has applied all this reads on.

        Raises
        ------
        LearnerReplaced
            If another learner has taken over meanwhile.
        ModelNotTaken
            If all is published anew, and the broker does not take it.
        """
        rows = await asyncio.to_thread(row_records, part.rows, part.names, part.removed, self._wire.form)
        dense = Dense(part.version, part.dense, {**progress, "learner": self._name}).to_bytes()
        taken = {name: progress[name] for name in ("epoch", "position")}
        taken |= {"version": part.version, "steps": news.steps}
        begin = [RecordBlock.of(ANEW, msgpack.packb(part.version))] if news.is_anew else []
        runs: Runs = [
            (self._wire.decisions, [RecordBlock.of(b"learner", encode(it)) for it in news.decisions]),
            (self._wire.steps, [RecordBlock.of(b"steps", msgpack.packb(taken))]),
            (self._wire.model, [*begin, *rows]),
            (self._wire.model, [RecordBlock.of(DENSE, dense)]),
        ]
        milliseconds = min(max(TRANSACTION_MS, _ROW_MS * len(part.rows.key)), _LONGEST_MS)
        offset = await (self._write_anew(runs, milliseconds) if news.is_anew else self._write(runs))
        self._end = offset + 1 + _COMMIT_MARKERS
        complete = part.dense.get("complete", part.version)
        self._replica.pass_over(Applied(offset, now_ms(), complete, {**progress, "learner": self._name}))
        return offset + 1

    async def _write_anew(self, runs: Runs, milliseconds: int) -> int:
        """Return the offset of the dense part, of a transaction that may take longer than others."""
        if milliseconds > TRANSACTION_MS:
            try:
                async with asyncio.timeout(_OPEN_SECONDS):
                    await self._reopen(milliseconds)
            except TimeoutError:
                raise ModelNotTaken from None
        offset = await self._write(runs, milliseconds, _TRIES)
        if milliseconds > TRANSACTION_MS:
            await self._reopen()
        return offset

    async def _write(self, runs: Runs, milliseconds: int = TRANSACTION_MS, tries: float = math.inf) -> int:
        """Return the offset of the dense part, once the broker has it."""
        while (offset := await self._written(runs)) is None:
            await self._reopen(milliseconds)
            if self._replica.newest.offset >= self._end:  # it was taken, though the broker could not say so
                return self._replica.newest.offset
            if (tries := tries - 1) <= 0:
                raise ModelNotTaken
        return offset

    async def are_newest(self) -> bool:
        """Return whether nobody has written to the model topic after this one."""
        return await self._replica.end() <= self._end

    async def _written(self, runs: Runs) -> int | None:
        """Return the offset of the dense part, None where the broker did not say that it has it."""
        try:
            return await self._transactions.write(runs)
        except (KafkaError, IllegalOperation) as error:  # the latter when it is fenced between two batches
            _log.warning("A publication of the model was not taken, and is sent again: %r", error)
            return None

    async def _connect(self) -> None:
        await self._transactions.start()
        await self._replica.catch_up()

    async def _reopen(self, milliseconds: int = TRANSACTION_MS) -> None:
        while True:
            await self._transactions.stop()
            self._transactions = self._new_transactions(milliseconds)
            try:
                await self._connect()
                break
            except KafkaError as error:
                _log.warning("No connection for the model's publications yet: %r", error)
                await asyncio.sleep(_RETRY_SECONDS)
        newest = self._replica.newest
        if newest.progress.get("learner") != self._name and newest.offset != self._found:
            raise LearnerReplaced

    def _new_transactions(self, milliseconds: int = TRANSACTION_MS) -> Transactions:
        return Transactions(self._wire.client, self._wire.transactional_id, milliseconds)
