"""Sends events when they are due, and takes the time until each one's answer can be read."""

import asyncio
import time
from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt
from aiokafka import AIOKafkaConsumer, TopicPartition

from models.codec import encode
from models.events import Event, Item, Recommendation
from producers.delivery import Delivery
from producers.source import Gone
from producers.topics import Topics
from stream.errors import StreamError
from stream.security import client_options
from stream.settings import Settings

__all__ = ["Stopwatch", "Unanswered"]

# Events due within a tick go out together: a request costs as much as a hundred of them.
_TICK_SECONDS: Final = 0.002
_PATIENCE_SECONDS: Final = 60.0
_POLL_MS: Final = 200
_decode = msgspec.msgpack.Decoder(Recommendation).decode


class Unanswered(StreamError):
    """Some events have no answer though nothing comes any more."""


class Stopwatch:
    """Publishes to the workers of some settings, and reads their recommendations as any consumer does.

    Latencies count from when an event was due, be it sent then or late: a system that holds up its own load
    is not spared (Tene, How NOT to Measure Latency, 2013: coordinated omission).

    Parameters
    ----------
    settings
        Of the workers.
    """

    def __init__(self, settings: Settings) -> None:
        self._broker, self._client = settings.broker, client_options(settings)
        self._topics = Topics.named(settings.topic_prefix)
        self._answers = [
            TopicPartition(f"{settings.topic_prefix}recommendations", number)
            for number in range(settings.partitions)
        ]

    def run(self, records: Sequence[Event | Item | Gone], rate: float = np.inf) -> "npt.NDArray[np.float64]":
        """Return the seconds from when each event was due to when its answer could be read, float64[events].

        Items go out with the event that is next. All are sent at once where the ``rate`` is infinite.

        Raises
        ------
        Unanswered
            If an event's answer does not come.
        """
        return asyncio.run(self._run(records, rate))

    async def _run(self, records: Sequence[Event | Item | Gone], rate: float) -> "npt.NDArray[np.float64]":
        events = [one.event_id for one in records if isinstance(one, Event)]
        consumer = AIOKafkaConsumer(**self._client, enable_auto_commit=False)
        await consumer.start()
        try:
            consumer.assign(self._answers)
            await consumer.seek_to_end(*self._answers)
            async with Delivery(self._broker, _PATIENCE_SECONDS) as delivery:
                start = time.perf_counter()
                collecting = asyncio.create_task(_collect(consumer, len(events)))
                await self._send(delivery, records, start, rate)
                await delivery.drain(_PATIENCE_SECONDS)
                arrived = await collecting
        finally:
            await consumer.stop()
        due = start + np.arange(len(events)) / rate
        return np.array([arrived[event] for event in events]) - due

    async def _send(
        self, delivery: Delivery, records: Sequence[Event | Item | Gone], start: float, rate: float
    ) -> None:
        sent = 0
        for record in records:
            if not isinstance(record, Event):
                value = None if isinstance(record, Gone) else encode(record)
                await delivery.put(self._topics.catalog, record.item_id.encode(), value)
                continue
            while (early := start + sent / rate - time.perf_counter()) > 0:
                await delivery.flush()
                await asyncio.sleep(max(early, _TICK_SECONDS))
            topic = self._topics.purchases if record.event.is_order else self._topics.clicks
            await delivery.put(topic, record.user_id.encode(), encode(record))
            sent += 1


async def _collect(consumer: AIOKafkaConsumer, wanted: int) -> dict[str, float]:
    """Return when the answers to so many events could be read, by the events' ids."""
    read: list[tuple[float, bytes]] = []
    last = time.perf_counter()
    while len(read) < wanted:
        found = await consumer.getmany(timeout_ms=_POLL_MS)
        now = time.perf_counter()
        read += [(now, record.value) for records in found.values() for record in records]
        last = now if found else last
        if now > last + _PATIENCE_SECONDS:
            raise Unanswered(f"{wanted - len(read)} of {wanted} events have no answer")
    return {_decode(value).event_id: at for at, value in read}  # what takes time is done when all are here
