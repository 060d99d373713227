"""The worker of `headrace bench ingest`: everything but ranking and learning.

Events are decoded, repeats dropped, profiles folded and committed, and their changelog confirmed.
"""

from faust.types import StreamT

from models.batch import Batch
from models.fold import fold
from stream.chunks import Chunk
from stream.lifecycle import build
from stream.settings import Settings
from stream.worker import Worker

__all__ = ["app"]


async def ingest(worker: Worker, chunks: StreamT[Chunk]) -> None:
    """Fold events into profiles."""
    async for arrived in worker.intake.batches(chunks):
        batch = worker.catalog.describe(Batch.of(arrived.events))
        profiles = worker.store.load(arrived.partition, batch.user)
        seen = fold(profiles, batch)
        if not worker.is_current(arrived.chunk):
            continue
        commit = worker.store.commit(arrived.partition, profiles, arrived.next_offsets, [])
        await worker.settle(arrived, seen, commit)


app = build(Settings.read(), observe=ingest)
