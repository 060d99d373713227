"""Delivery of fetched records to the agents: as chunks, or one by one as Faust does it."""
# ruff: noqa: SLF001 (the second half of `ChunkConsumer`, which shares the private state of Faust's consumer)

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final, cast

from faust.transport.conductor import Conductor
from faust.transport.consumer import Consumer
from faust.types import TP, ConsumerMessage

from stream.chunks import Ledger, RawRecord, split
from stream.errors import StreamError

__all__ = ["Delivery", "TopicRecreated"]

# Faust's own figure: messages delivered between two turns given to the event loop.
_YIELD_EVERY: Final = 100


class TopicRecreated(StreamError):
    """The log of a partition goes on below what was read of it.

    Examples
    --------
    >>> print(TopicRecreated(TP("clicks", 3), 0, 812))
    clicks-3: its log begins anew at offset 0, and was read up to 812: the topic was recreated; start again
    """

    def __init__(self, tp: TP, offset: int, read: int) -> None:
        super().__init__(tp, offset, read)
        self.tp = tp
        self.offset = offset
        self.read = read

    def __str__(self) -> str:
        return (
            f"{self.tp.topic}-{self.tp.partition}: its log begins anew at offset {self.offset}, and was read "
            f"up to {self.read}: the topic was recreated; start again"
        )


class Delivery:
    """Puts what one fetch brought into the agents' queues.

    Faust starts four tasks a message, so that one that waits for a queue can be broken off when the flow
    stops. Here only a message that may have to wait costs them.

    Parameters
    ----------
    consumer
        Whose flow, offsets and conductor are used.
    ledger
        Where chunks are entered.
    chunk_topics
        The topics whose records are delivered in chunks; it may grow later.
    """

    def __init__(self, consumer: Consumer, ledger: Ledger, chunk_topics: set[str]) -> None:
        self._consumer = consumer
        self._ledger = ledger
        self._chunk_topics = chunk_topics

    async def deliver_all(self, records: Mapping[TP, Sequence[RawRecord]]) -> bool:
        """Deliver round robin over topics and partitions; return False if the flow stopped meanwhile.

        What is left then is dropped, and read again after the seek that comes before the flow resumes.

        Raises
        ------
        TopicRecreated
            If a topic was recreated meanwhile. A start finds out, and reads it from its start.
        """
        consumer, generation = self._consumer, self._consumer.app.consumer_generation_id
        runs = {tp: self._runs(tp, fetched) for tp, fetched in records.items()}
        for number, (tp, run) in enumerate(consumer.scheduler.iterate(runs), start=1):
            if not consumer.flow_active or consumer.app.consumer_generation_id != generation:
                return False
            if tp in consumer._active_partitions or tp in consumer._buffered_partitions:
                await self._deliver(tp, run)
            if number % _YIELD_EVERY == 0:
                await asyncio.sleep(0)
        return True

    def _runs(self, tp: TP, records: Sequence[RawRecord]) -> list[Sequence[RawRecord]]:
        return list(split(records) if tp.topic in self._chunk_topics else split(records, size=1))

    async def _deliver(self, tp: TP, run: Sequence[RawRecord]) -> None:
        consumer, last = self._consumer, run[-1].offset
        read = consumer._read_offset[tp]
        if read is not None and last < read:
            raise TopicRecreated(tp, run[0].offset, read)
        if read and last - read > 1 and consumer.app.topics.acks_enabled_for(tp.topic):
            await consumer._add_gap(tp, read + 1, last)
        await self._commit_if_due()
        await self._pass_on(tp, self._message(tp, run))
        consumer._read_offset[tp] = last

    async def _commit_if_due(self) -> None:
        consumer = self._consumer
        if consumer._commit_every is not None and consumer._n_acked >= consumer._commit_every:
            consumer._n_acked = 0
            await consumer.commit()

    def _message(self, tp: TP, run: Sequence[RawRecord]) -> ConsumerMessage:
        message = self._consumer._to_message(tp, run[-1])
        if tp.topic in self._chunk_topics:
            message.key, message.value = None, self._ledger.take(tp, run)  # type: ignore[assignment]
        return message

    async def _pass_on(self, tp: TP, message: ConsumerMessage) -> None:
        consumer = self._consumer
        end = consumer.highwater(tp)
        if end is not None:
            consumer.app.monitor.track_tp_end_offset(tp, end)
        if self._may_wait(tp):
            await consumer.wait_first(consumer.callback(message), consumer.suspend_flow.wait())
        else:
            await consumer.callback(message)

    def _may_wait(self, tp: TP) -> bool:
        """Say whether the conductor could have to wait before the message is in every agent's queue."""
        app = self._consumer.app
        conductor, buffer = cast("Conductor", app.topics), app.producer.buffer
        return (
            not app.flow_control.is_active()
            or conductor._tp_to_callback_lock.locked()
            or buffer.size > buffer.max_messages
            or any(channel.queue.full() for channel in conductor._tp_index.get(tp, ()))
        )
