"""The parts of a worker, and how they are opened, fed and closed."""

import asyncio
import gc
from collections.abc import Iterable
from functools import partial
from typing import Any, Final

import numpy as np
from faust.types import TP, AppT

from models.batch import Batch
from models.catalog import Catalog
from models.names import Names
from models.observation import Observations
from stream.arrivals import Released
from stream.books import Books
from stream.brain import Brain
from stream.chunks import Chunk
from stream.clock import now_ms
from stream.commits import Commit
from stream.gather import Gathering
from stream.intake import Intake
from stream.meters import Meters
from stream.pace import Pace
from stream.profiles import ProfileStore
from stream.replies import Stamp
from stream.settings import Settings
from stream.settlement import Settlement
from stream.takeover import Takeover
from stream.topics import BROWSE, ORDERS, Topics
from stream.transport import consumer

__all__ = ["Worker"]


# Batches that may be answered before the learner has learnt from them: each more is staler weights, and
# one is always on its way through Kafka.
_BATCHES_AHEAD: Final = 3
# The weights follow an event well within the second that is promised.
_GATHER_SECONDS: Final = 0.03


class Worker:
    """All that one process works with; the agents and the web are given it.

    Parameters
    ----------
    app
        The Faust app, for its consumer and producer.
    settings
        What the user has set.
    brain
        The model; it may be shared by several workers of a process, as tests do.

    Attributes
    ----------
    read_to
        The next offset of each partition whose fold is in memory alone: catalog and examples. A restart
        reads them from their start.
    """

    store: ProfileStore
    settlement: Settlement
    takeover: Takeover

    def __init__(self, app: AppT, settings: Settings, brain: Brain) -> None:
        self.app = app
        self.settings = settings
        self.brain = brain
        self.topics = Topics(settings.topic_prefix, settings.partitions)
        self.sources = (self.topics.name(BROWSE), self.topics.name(ORDERS))
        self._examples = TP(self.topics.name("examples"), 0)
        self.meters = Meters()
        self.names = Names()
        self.catalog = Catalog()
        self.intake = Intake(self.sources, settings.batch, lambda: consumer(app), now_ms)
        self.pace = Pace(_BATCHES_AHEAD * settings.batch)
        self.read_to: dict[TP, int] = {}
        self._is_open = False
        self._relearn_to = 0  # the end of the examples when this worker got them

    def open(self) -> None:
        """Open the profile store; called when the app starts, so that an import opens nothing."""
        self.store, self.settlement, self.takeover = Books.open(self.app, self.settings)
        self._is_open = True
        gc.freeze()  # what is loaded by now stays: no collection need look through it again

    async def finish(self) -> None:
        """Wait for what the broker has not confirmed yet, but not for long."""
        if self._is_open:
            await self.settlement.drain()
            self.settlement.abandon()

    def close(self) -> None:
        """Close model and store."""
        self.brain.close()
        if self._is_open:
            self.store.close()

    def next_offset(self, tp: TP) -> int:
        """Return where a partition must be read from so that its fold misses nothing: 0 where all is lost."""
        if tp.topic in self.sources:
            return self.store.offsets(tp.partition).get(tp.topic, 0)
        return self.read_to.get(tp, 0)

    async def take_over(self, assigned: Iterable[TP]) -> None:
        """Restore what is new to this worker, and say what an earlier run of it had to say."""
        await self.takeover.take({tp.partition for tp in assigned if tp.topic in self.sources})
        if self.learns:
            ends = await consumer(self.app).highwaters(self._examples)
            self._relearn_to = ends[self._examples]

    async def give_up(self, revoked: Iterable[TP]) -> None:
        """Forget what waits of partitions, and finish what is under way of them."""
        revoked = set(revoked)
        self.intake.forget(revoked)
        await self.takeover.leave({tp.partition for tp in revoked if tp.topic in self.sources})

    def is_current(self, arrived: Released) -> bool:
        """Return whether events are still this worker's: no rebalance has taken them since they arrived."""
        arrivals = [*arrived.places, *(place for place, _ in arrived.refused)]
        return self.settlement.holds(arrived.partition) and consumer(self.app).is_current(arrivals[0].chunk)

    def stamp(self, batch: Batch, events: Iterable[Any]) -> Stamp:
        """Return what the answers of a batch have in common, once its items have names."""
        self.names.learn(batch.item.tolist(), (event.item_id for event in events))
        topics = self.topics.name("recommendations"), self.topics.name("examples")
        return Stamp(*topics, now_ms(), self.brain.recommender.version, self.names)

    async def settle(self, arrived: Released, seen: Observations, commit: Commit, lessons: int = 0) -> None:
        """Publish what the commit says; once the broker has it, count and acknowledge the batch.

        ``lessons`` is how many events it hands on to the learner, with which the answers keep pace.
        """
        await self.settlement.begin(arrived.partition, commit, partial(self._settled, arrived, seen, lessons))
        if self.learns:
            await self.pace.handed_on(lessons)

    def take(self, chunks: list[Chunk]) -> list[Chunk]:
        """Return the chunks to be folded in memory, once each: not those that a seek makes come again."""
        current = [chunk for chunk in chunks if consumer(self.app).is_current(chunk)]
        self.read_to.update({chunk.tp: chunk.next_offset for chunk in current})
        return current

    async def settle_inner(self, chunk: Chunk, letters: dict[int, bytes]) -> None:
        """Finish a chunk whose fold is in memory alone; letters, by offset, are sent at its first reading."""
        tp = chunk.tp
        told = self.store.told(*tp)
        new = [letter for offset, letter in letters.items() if offset >= told]
        if new:
            await self.settlement.tell(new)
            self.store.tell(*tp, chunk.next_offset)
            self.meters.count_inner_dead_letters(tp.topic, len(new))
        self.acknowledge([chunk])

    def acknowledge(self, chunks: Iterable[Chunk]) -> None:
        """Mark chunks as handled."""
        for chunk in chunks:
            consumer(self.app).acknowledge(chunk)

    def learnt(self, events: int, loss: float, chunks: list[Chunk]) -> None:
        """Count a step that the learner has taken on chunks."""
        age = now_ms() - chunks[0].records[0].timestamp
        self.meters.count_lesson(events, loss, age / 1000)
        self.pace.learnt(events)

    @property
    def learns(self) -> bool:
        """Whether this worker's learner has the examples: one of all the workers has."""
        return self._examples in consumer(self.app).assignment()

    @property
    def has_relearnt(self) -> bool:
        """Whether the model knows what it had learnt before this worker got the examples."""
        if not self.learns or self.read_to.get(self._examples, 0) >= self._relearn_to:
            return True
        # What the log had may be past its retention, and its last offsets markers that are never delivered.
        reader = consumer(self.app)
        return reader.backlog(self._examples) == reader.in_flight(self._examples) == 0

    def has_time(self, lessons: Gathering) -> bool:
        """Return whether neither an event nor a lesson waits: the time to rehearse."""
        return self.intake.is_empty and lessons.is_empty

    async def gather_lessons(self, lessons: Gathering) -> None:
        """Let lessons gather while there are few: a step on three costs as much as one on a hundred."""
        if self.has_time(lessons):
            await asyncio.sleep(_GATHER_SECONDS)

    def _settled(self, arrived: Released, seen: Observations, lessons: int) -> None:
        now, kept = now_ms(), seen.kept.tolist()
        repeats = np.delete(np.arange(len(arrived.events)), seen.kept).tolist()
        self.meters.count_events("answered", (arrived.events[at].event for at in kept))
        self.meters.count_events("duplicate", (arrived.events[at].event for at in repeats))
        self.meters.count_dead_letters(place.chunk.tp.topic for place, _ in arrived.refused)
        sent = np.array([arrived.places[at].record.timestamp for at in kept], dtype=np.int64)
        self.meters.count_answers((now - sent) / 1000)
        self.meters.handed_on += lessons
        self.acknowledge(arrived.finished)
