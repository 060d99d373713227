"""One process's part of a replay: each record to its topic, when it is due, and what came of it."""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

from aiokafka.errors import KafkaError

from models.codec import encode
from models.events import Event, Item
from producers.delivery import Delivery
from producers.pace import Pacer
from producers.plan import ReplayPlan, Share
from producers.reading import Reading
from producers.report import Progress, ReplayReport
from producers.source import Gone

__all__ = ["Publication", "StopSign"]

# How often progress is told and the broker's silence is looked at.
_WATCH_SECONDS: Final = 0.1
# Somebody who stops a replay waits no longer than this for the last confirmations.
_GRACE_SECONDS: Final = 5.0


class StopSign(Protocol):
    """What tells a replay to stop: an event of threads or of processes."""

    def is_set(self) -> bool:
        """Whether the replay is to stop."""


class Publication:
    """Publishes one share of a replay.

    Parameters
    ----------
    plan
        What to publish.
    share
        Which users and items are this process's.
    delivery
        An open delivery, whose counts become the report.
    """

    def __init__(self, plan: ReplayPlan, share: Share, delivery: Delivery) -> None:
        self._plan = plan
        self._topics = plan.topics
        self._share = share
        self._delivery = delivery
        self._clock = asyncio.get_running_loop().time
        self._pacer: Pacer | None = None
        self._reading = Reading()
        self._seen = self._sent = 0

    async def run(self, stop: StopSign, on_progress: Callable[[Progress], None]) -> ReplayReport:
        """Publish until the end of the log, the limit, the stop sign or a failure.

        Raises
        ------
        UnusableLog
            If the log cannot be read to its end; what was read until then is confirmed first.
        """
        start = self._clock()
        publishing = asyncio.create_task(self._publish())
        watching = asyncio.create_task(self._watch(publishing, stop, on_progress))
        await asyncio.wait({publishing})
        watching.cancel()
        error = None if publishing.cancelled() else publishing.exception()
        if isinstance(error, KafkaError):
            self._delivery.fail(str(error))
        if not self._delivery.failure:
            await self._delivery.drain(_GRACE_SECONDS if stop.is_set() else self._plan.timeout)
        if error is not None and not isinstance(error, KafkaError):
            raise error
        on_progress(self._progress())
        return self._report(self._clock() - start, interrupted=publishing.cancelled() and stop.is_set())

    async def _publish(self) -> None:
        share, plan = self._share, self._plan
        for record in plan.log.read(self._reading, loop=plan.loop):
            if not isinstance(record, Event):
                if share.owns(record.item_id):
                    await self._publish_item(record)
                continue
            if self._seen == 0 and (pace := plan.pace()) is not None:
                self._pacer = Pacer(pace, self._clock, self._idle)
            if share.owns(record.user_id):
                await self._publish_event(record)
            self._seen += 1
            if self._seen == plan.limit:
                return

    async def _publish_item(self, item: Item | Gone) -> None:
        value = None if isinstance(item, Gone) else encode(item)
        await self._delivery.put(self._topics.catalog, item.item_id.encode(), value)

    async def _publish_event(self, event: Event) -> None:
        if self._pacer is not None:
            # By its place among all shares' events: so they keep the rate together, and nearly the order.
            await self._pacer.until_due(self._seen, event.ts)
        topics = self._topics
        topic = topics.purchases if event.event.is_order else topics.clicks
        await self._delivery.put(topic, event.user_id.encode(), encode(event))
        self._sent += 1

    async def _idle(self, seconds: float) -> None:
        await self._delivery.flush()
        await asyncio.sleep(seconds)

    async def _watch(
        self, publishing: asyncio.Task[None], stop: StopSign, on_progress: Callable[[Progress], None]
    ) -> None:
        while not stop.is_set() and not self._delivery.failed():
            on_progress(self._progress())
            await asyncio.sleep(_WATCH_SECONDS)
        publishing.cancel()

    def _progress(self) -> Progress:
        if self._plan.limit is not None:
            return Progress(self._sent, self._seen / self._plan.limit)
        return Progress(self._sent, 0.0 if self._plan.loop else self._reading.fraction)

    def _report(self, seconds: float, *, interrupted: bool) -> ReplayReport:
        topics, confirmed = self._topics, self._delivery.confirmed
        return ReplayReport(
            events=confirmed[topics.clicks] + confirmed[topics.purchases],
            items=confirmed[topics.catalog],
            unconfirmed=self._delivery.unconfirmed,
            seconds=seconds,
            worst_lag_ms=0.0 if self._pacer is None else self._pacer.worst_lag * 1000,
            bad_rows=self._reading.bad,
            first_bad_rows=self._reading.first_bad,
            failure=self._delivery.failure,
            interrupted=interrupted,
        )
