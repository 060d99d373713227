"""The parts of a worker, and how they are opened, fed and closed."""

import asyncio
import gc
from collections.abc import Iterable
from contextlib import suppress
from functools import partial

from faust.types import TP, AppT

from models.batch import Batch
from models.catalog import Catalog
from models.names import Names
from models.observation import Observations
from stream.arrivals import Released
from stream.board import Board
from stream.books import Books
from stream.brain import Brain
from stream.chunks import Chunk
from stream.clock import now_ms
from stream.commits import Commit
from stream.gather import Gathering
from stream.intake import Intake
from stream.lessons import Learnt, Lesson
from stream.meters import Meters
from stream.outbox_relay import OutboxRelay
from stream.pace import Pace
from stream.profiles import ProfileStore
from stream.publication import LearnerBehind
from stream.replies import Stamp
from stream.school import School
from stream.security import client_options
from stream.settings import Settings
from stream.shelf import Shelf
from stream.topics import BROWSE, FORGET, ORDERS, Topics
from stream.transport import consumer

__all__ = ["Worker"]


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
    """

    store: ProfileStore
    relay: OutboxRelay
    books: Books

    def __init__(self, app: AppT, settings: Settings, brain: Brain) -> None:
        self.app = app
        self.settings = settings
        self.brain = brain
        self.topics = Topics(settings.topic_prefix, settings.partitions)
        self.sources = (self.topics.name(BROWSE), self.topics.name(ORDERS))
        self.keyed = (*self.sources, self.topics.name(FORGET))
        self.examples = TP(self.topics.name("examples"), 0)  # the partition of the lessons
        self.meters, self.board = Meters(), Board(settings.tensorboard)
        self.names = Names()
        self.catalog = Catalog()
        shelf = [TP(self.topics.name("catalog"), number) for number in range(settings.partitions)]
        self.shelf = Shelf(self.catalog, self.names, brain, client=client_options(settings), tps=shelf)
        self.intake = Intake(self.keyed, settings.batch, lambda: consumer(app), now_ms)
        self.pace = Pace(settings.batch)
        self.read_to: dict[TP, int] = {}  # next offsets of partitions that are read for their dead letters
        self._is_open = False
        self.replica, self.learner = School.of(brain, self.names, settings, self.acknowledge)

    async def open(self) -> None:
        """Open the profile store and follow the model; an import opens nothing."""
        self.books = Books.open(self.app, self.settings)
        self.store, self.relay = self.books.store, self.books.relay
        self._is_open = True
        await asyncio.gather(self.replica.start(self.app.crash), self.shelf.start(self.app.crash))
        gc.freeze()  # what is loaded by now stays: no collection need look through it again

    async def finish(self) -> None:
        """Wait for what the broker has not confirmed yet, but not for long."""
        if self._is_open:
            await asyncio.gather(self.relay.drain(), self._end_learning(), self.books.purger.stop())
            self.relay.abandon()
            await asyncio.gather(self.replica.stop(), self.shelf.stop())

    async def _end_learning(self) -> None:
        with suppress(LearnerBehind):  # the next start takes the last steps again
            await self.learner.end()

    def close(self) -> None:
        """Close model and store."""
        self.brain.close()
        self.board.close()
        if self._is_open:
            self.store.close()

    def next_offset(self, tp: TP) -> int:
        """Return where a partition must be read from so that its fold misses nothing: 0 where all is lost."""
        if tp.topic in self.keyed:
            return self.store.offsets(tp.partition).get(tp.topic, 0)
        if tp == self.examples:
            return self.learner.progress.position
        return self.read_to.get(tp, 0)

    async def take_over(self, assigned: Iterable[TP]) -> None:
        """Restore what is new to this worker, and say what an earlier run of it had to say."""
        await self.books.takeover.take({tp.partition for tp in assigned if tp.topic in self.sources})

    async def take_part(self, assigned: Iterable[TP]) -> None:
        """Begin to learn where this worker has got the examples, and leave it to others where it has not."""
        self.pace.begin_anew()
        if self.examples in assigned:
            await self.learner.begin()
        else:
            await self.learner.end()

    async def give_up(self, revoked: Iterable[TP]) -> None:
        """Forget what waits of partitions, and finish what is under way of them."""
        revoked = set(revoked)
        self.intake.forget(revoked)
        await self.books.takeover.leave({tp.partition for tp in revoked if tp.topic in self.sources})

    def is_current(self, chunk: Chunk) -> bool:
        """Return whether a chunk is still this worker's: no rebalance has taken it since it arrived."""
        return self.relay.holds(chunk.tp.partition) and consumer(self.app).is_current(chunk)

    def stamp(self, batch: Batch, arrived: Released) -> Stamp:
        """Return what the answers of a batch have in common, once its items have names."""
        self.names.learn(batch.item.tolist(), (event.item_id for event in arrived.events))
        topics = self.topics.name("recommendations"), self.topics.name("examples")
        generations = self.store.source_offsets.generations(arrived.partition)
        return Stamp(*topics, now_ms(), self.brain.recommender.version, self.names, generations)

    async def settle(self, arrived: Released, seen: Observations, commit: Commit, lessons: int = 0) -> None:
        """Publish what the commit says; once the broker has it, count and acknowledge the batch.

        ``lessons`` is how many events it hands on to the learner, with which the answers keep pace.
        """
        await self.relay.begin(arrived.partition, commit, partial(self._settled, arrived, seen, lessons))
        if self.learns:
            await self.pace.handed_on(lessons)

    def current(self, chunks: list[Chunk]) -> list[Chunk]:
        """Return the chunks that still count: not those that a seek makes come again."""
        return [chunk for chunk in chunks if consumer(self.app).is_current(chunk)]

    async def settle_inner(self, chunk: Chunk, dead_letters: dict[int, bytes]) -> None:
        """Finish a chunk that changes no profile; its dead letters, by offset, are sent only once."""
        tp = chunk.tp
        self.read_to[tp] = chunk.next_offset
        sent_below = self.store.dead_letters_sent_below(*tp)
        new = [raw for offset, raw in dead_letters.items() if offset >= sent_below]
        if new:
            await self.relay.send_and_wait(new)
            self.store.note_dead_letters_sent(*tp, chunk.next_offset)
            self.meters.count_inner_dead_letters(tp.topic, len(new))
        self.acknowledge([chunk])

    def acknowledge(self, chunks: Iterable[Chunk]) -> None:
        """Mark chunks as handled."""
        for chunk in chunks:
            consumer(self.app).acknowledge(chunk)

    async def learnt(self, lesson: Lesson, learnt: Learnt) -> None:
        """Count a lesson once, and settle the chunks of which there is something to say."""
        if not learnt.again:
            self.pace.learnt(lesson.events)
            if learnt.loss is not None:
                self.meters.count_lesson(lesson.events, learnt.loss, (now_ms() - lesson.sent_at) / 1000)
                self.board.note(self.brain.recommender, learnt.loss, self.learner.progress.decided)
        for chunk, dead_letters in lesson.finished:
            if dead_letters:
                await self.settle_inner(chunk, dead_letters)

    @property
    def learns(self) -> bool:
        """Whether this worker's learner has the examples: one of all the workers has."""
        return self.examples in consumer(self.app).assignment()

    @property
    def has_model(self) -> bool:
        """Whether model and catalog know all that had been published when this worker came."""
        model = self.learner.is_learning if self.learns else self.replica.has_caught_up
        return model and self.shelf.has_caught_up

    def has_time(self, lessons: Gathering) -> bool:
        """Return whether neither an event nor a lesson waits."""
        return self.intake.is_empty and lessons.is_empty

    def _settled(self, arrived: Released, seen: Observations, lessons: int) -> None:
        self.meters.count_batch(arrived, seen.kept, now_ms())
        self.meters.handed_on += lessons
        self.acknowledge(arrived.finished)
