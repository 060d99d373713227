"""What happens to an event, from its Kafka record to the published recommendation and the lesson learnt."""

import asyncio
from functools import partial
from typing import Final

from faust.types import StreamT

from models.batch import Batch
from stream.answering import answer
from stream.arrivals import Released
from stream.chunks import Chunk
from stream.clock import now_ms
from stream.crash_points import reach
from stream.erasures import Erasures, ErasureStamp
from stream.gather import Gathering
from stream.lessons import lessons
from stream.replies import outbox_of
from stream.returning import Returning
from stream.shelf import refused
from stream.transport import consumer
from stream.turns import Turns
from stream.worker import Worker

__all__ = ["describe", "erase", "learn", "observe"]

# The rankings of those that wait for the model's thread are answered together.
_PARTITIONS_AT_ONCE: Final = 8
# A learner without lessons looks so often whether there is something to publish.
_LOOK_UP_SECONDS: Final = 0.2
# The weights follow an event well within the second that is promised.
_GATHER_SECONDS: Final = 0.03


async def observe(worker: Worker, chunks: StreamT[Chunk]) -> None:
    """Answer events as they arrive, those of a partition in the order of their times."""
    async with Turns(_PARTITIONS_AT_ONCE) as turns:
        async for arrived in worker.intake.batches(chunks):
            await turns.start(arrived.partition, _observe(worker, arrived))


async def _observe(worker: Worker, arrived: Released) -> None:
    async with worker.relay.turn(arrived.partition):
        await _answer(worker, worker.store.markers(arrived.partition).sift(arrived))


async def _answer(worker: Worker, arrived: Released) -> None:
    """Fold events into profiles, answer each with a recommendation, and hand on what it teaches."""
    batch = worker.catalog.describe(Batch.of(arrived.events))
    profiles = worker.store.load(arrived.partition, batch.user)
    hide_bought = worker.settings.hide_bought
    answered = await answer(worker.brain, profiles, batch, hide_bought=hide_bought)
    if not worker.is_current(arrived.chunk):
        return  # a rebalance came meanwhile: who owns the partition now reads these events again
    outbox = outbox_of(arrived, answered, worker.stamp(batch, arrived))
    commit = worker.store.commit(arrived.partition, profiles, arrived.next_offsets, outbox)
    reach("saved-not-published")
    await worker.settle(arrived, answered.seen, commit, len(answered.examples.item))


async def erase(worker: Worker, chunks: StreamT[Chunk]) -> None:
    """Erase users: what is known of them goes, and what they did before that counts no more."""
    async for chunk in chunks:
        async with worker.relay.turn(chunk.tp.partition):
            if worker.is_current(chunk):
                await _erase(worker, chunk)


async def _erase(worker: Worker, chunk: Chunk) -> None:
    topic, partition = chunk.tp
    stamp = ErasureStamp(worker.topics.name("examples"), worker.topics.name("decisions"), now_ms())
    erasures = Erasures.of(chunk, worker.store, stamp)
    outbox = [record.to_bytes() for record in erasures.outbox]
    commit = worker.store.erase(partition, erasures.changes, {topic: chunk.next_offset}, outbox)
    reach("erased-not-published")

    def done() -> None:
        worker.meters.count_erasures(topic, erasures.users, erasures.refused)
        worker.acknowledge([chunk])

    await worker.relay.begin(partition, commit, done)


async def learn(worker: Worker, chunks: StreamT[Chunk]) -> None:
    """Test the model on what came, then learn from it, and publish what came of it."""
    waiting, learner = Gathering(chunks, _LOOK_UP_SECONDS), worker.learner
    returning = Returning(learner, worker.examples, partial(consumer, worker.app))
    async for come in waiting:
        returning.look()
        for lesson in lessons(worker.current(come), worker.names, learner.progress, learner.reading):
            if learnt := await learner.learn(lesson):
                await worker.learnt(lesson, learnt)
        await learner.publish_if_due()
        if worker.has_time(waiting):  # a step on three lessons costs as much as one on a hundred
            await asyncio.sleep(_GATHER_SECONDS)


async def describe(worker: Worker, chunks: StreamT[Chunk]) -> None:
    """Answer what is no item with a dead letter; what is one, every worker reads by itself."""
    async for chunk in chunks:
        await worker.settle_inner(chunk, refused(chunk, now_ms()))
