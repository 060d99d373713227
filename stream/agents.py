"""What happens to an event, from its Kafka record to the published recommendation and the lesson learnt."""

from faust.types import StreamT

from models.batch import Batch
from models.context import Context
from models.examples import examples_of
from models.fold import fold
from stream.chunks import Chunk
from stream.lessons import lessons
from stream.replies import banned_items, letters_of, served_before
from stream.shelf import shelve
from stream.worker import Worker, now_ms

__all__ = ["describe", "learn", "observe"]

# Actions of a profile that a context is made from: all of them.
_HISTORY = 50


async def observe(worker: Worker, chunks: StreamT[Chunk]) -> None:
    """Fold events into profiles, answer each with a recommendation, and hand on what it teaches."""
    async for arrived in worker.intake.batches(chunks):
        batch = worker.catalog.describe(Batch.of(arrived.events))
        profiles = worker.store.load(arrived.partition, batch.user)
        seen = fold(profiles, batch, _HISTORY)  # repeats drop out
        banned = banned_items(batch, profiles, seen, hide_bought=worker.settings.hide_bought)
        ranked = await worker.brain.rank(Context.of(*seen.after), banned)
        examples = examples_of(batch, seen, served_before(profiles, seen, ranked))
        profiles.serve(seen.user_row, ranked.items)
        letters = letters_of(arrived, seen, ranked, examples, worker.stamp(batch, arrived.events))
        commit = worker.store.commit(arrived.partition, profiles, arrived.next_offsets, letters)
        await worker.settle(arrived, seen, commit)


async def learn(worker: Worker, chunks: StreamT[Chunk]) -> None:
    """Test the model on what came, then learn from it; rehearse while nothing else is to do."""
    async for chunk in chunks:
        examples, letters = lessons(chunk, worker.names)
        loss = await worker.brain.test_and_learn(examples)
        worker.learnt(chunk, examples, loss)
        await worker.settle_inner(chunk, letters)
        while worker.has_time(chunks) and await worker.brain.replay():
            worker.meters.replays.inc()


async def describe(worker: Worker, chunks: StreamT[Chunk]) -> None:
    """Take in what the shop says of its items."""
    async for chunk in chunks:
        letters = shelve(chunk, worker.catalog, now_ms())
        await worker.settle_inner(chunk, letters)
