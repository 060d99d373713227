"""Test-then-train over recorded events without Kafka, by the steps that a worker's agents take."""

import asyncio
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

from models.batch import Batch
from models.catalog import Catalog
from models.codec import EVENTS, encode
from models.course import Course
from models.errors import InvalidRecord
from models.events import Event, Item
from models.examples import NOBODY, Examples
from models.intervals import Intervals
from models.metrics import K, Quality
from models.rivals import Rival, Rivals
from models.segments import Segments
from models.verdicts import Verdicts
from stream.answering import answer
from stream.brain import Brain
from stream.profiles import ProfileStore
from stream.settings import Settings

__all__ = ["Evaluation", "Standing"]

_PARTITION: Final = 0  # all users of the log meet in one batch
# Events whose segments and intervals are counted together: batch by batch of 64 it is a tenth of the time.
_COUNTED_TOGETHER: Final = 400


class Standing(NamedTuple):
    """How an evaluation stands: records taken, by what became of them, and the figures of each model.

    ``ranks`` are how often the item was at each place so far, by model; the first are the misses.
    """

    usable: int
    duplicates: int
    dead_letters: int
    quality: dict[str, Quality]
    ranks: "dict[str, array[int]]"
    examples: int  # learnt

    @property
    def events(self) -> int:
        """The records taken so far."""
        return self.usable + self.duplicates + self.dead_letters


class Evaluation:
    """A worker of one partition without Kafka, whose learner is never behind: every batch is learnt at once.

    Parameters
    ----------
    brain
        What ranks and learns; left open.
    settings
        What a worker with the same settings would do: events of a batch, what a recommendation holds.
    now
        The clock in milliseconds since the Unix epoch: a time too far ahead of it is no event's.
    rivals
        Baselines that learn event by event, by name.

    Attributes
    ----------
    brain
        What it was given.
    course
        Retrains, where it is set.
    segments, intervals
        The product's figures by kind of event, and how sure they are, once `run` has returned.
    verdicts
        What came of what was foretold of views.
    first_dead_letter
        What is wrong with the first event that a worker could not use; empty while there is none.

    Examples
    --------
    >>> event = Event(event_id="e1", event="view_item", ts=7, user_id="u", item_id="i")
    >>> settings = Settings(device="cpu")
    >>> with closing(Brain(settings)) as brain:
    ...     curve = Evaluation(brain, settings, now=7).run([event, event])
    >>> curve[-1].usable, curve[-1].duplicates, curve[-1].quality["pop"].scored
    (1, 1, 0)
    """

    course: Course | None

    def __init__(
        self, brain: Brain, settings: Settings, now: int, rivals: Mapping[str, Rival] | None = None
    ) -> None:
        self.brain = brain
        self._rivals = Rivals(rivals or {})
        self.segments, self.intervals, self.verdicts = Segments(), Intervals(), Verdicts()
        self._settings = settings
        self._catalog, self._now = Catalog(), now
        self._usable = self._duplicates = self._dead_letters = self._examples = 0
        self.first_dead_letter, self.course = "", None
        self._uncounted: list[Examples] = []

    def run(
        self, records: Iterable[Event | Item], on_batch: Callable[[Standing], None] = lambda _: None
    ) -> list[Standing]:
        """Answer, test and learn all events, in order; return how it stood after each batch.

        Parameters
        ----------
        records
            Events, and items each somewhere before the first event that is to know it.
        on_batch
            Called with each standing.
        """
        with (
            TemporaryDirectory(prefix="headrace-") as folder,
            closing(ProfileStore(Path(folder) / "profiles")) as store,
        ):
            return asyncio.run(self._run(store, records, on_batch))

    async def _run(
        self, store: ProfileStore, records: Iterable[Event | Item], on_batch: Callable[[Standing], None]
    ) -> list[Standing]:
        curve: list[Standing] = []
        taken = self._events(records)
        arrived = await self._read(taken)
        while arrived:
            examples = await self._observe(store, list(self._decoded(arrived)))
            # The model has a thread of its own: the next batch is read while it learns.
            _, arrived = await asyncio.gather(self._learn(examples), self._read(taken))
            curve.append(self._standing())
            on_batch(curve[-1])
        self._count()
        return curve

    async def _observe(self, store: ProfileStore, events: list[Event]) -> Examples:
        if news := self._catalog.take_news():
            await self.brain.restock(news)
        batch = self._catalog.describe(Batch.of(events))
        profiles = store.load(_PARTITION, batch.user)
        answered = await answer(self.brain, profiles, batch, hide_bought=self._settings.hide_bought)
        commit = store.commit(_PARTITION, profiles, {}, [])
        store.confirm(_PARTITION, commit.tickets, [])
        self._usable += len(answered.seen.kept)
        self._duplicates += len(events) - len(answered.seen.kept)
        return answered.examples

    async def _learn(self, examples: Examples) -> None:
        if self._rivals.quality:
            self._rivals.test_and_learn(examples, await self.brain.popular(2 * K))
        self._examples += len(examples.item)
        if len(examples.item):
            steps = self.brain.test_and_learn(examples), self.brain.foretold(), self._note(examples)
            learnt, foretold, _ = await asyncio.gather(*steps)
            self.verdicts.update_many(examples.take(examples.who.numpy() != NOBODY), foretold)
            if self.course is not None:
                await self.brain.retrain(self.course, examples, learnt)

    async def _note(self, examples: Examples) -> None:
        self._uncounted.append(examples)
        if sum(len(it.item) for it in self._uncounted) >= _COUNTED_TOGETHER:
            self._count()

    def _count(self) -> None:
        """Count what is not counted yet by its kind, and how sure the figures are."""
        if self._uncounted:
            examples = Examples.join(self._uncounted)
            self.segments.update_many(examples)
            self.intervals.update_many(examples.who, examples.rank)
        self._uncounted = []

    async def _read(self, taken: Iterator[Event]) -> list[Event]:
        return list(islice(taken, self._settings.batch))

    def _events(self, records: Iterable[Event | Item]) -> Iterator[Event]:
        """Yield the events; what is said of an item is known from there on."""
        for record in records:
            if isinstance(record, Item):
                self._catalog.put(record)
            else:
                yield record

    def _decoded(self, events: Iterable[Event]) -> Iterator[Event]:
        """Yield the events that a worker would find usable on its topics."""
        for event in events:
            try:
                yield EVENTS.decode(encode(event), event.user_id.encode(), self._now)
            except InvalidRecord as error:
                self._dead_letters += 1
                self.first_dead_letter = self.first_dead_letter or str(error)

    def _standing(self) -> Standing:
        recommender = self.brain.recommender
        quality = recommender.quality | self._rivals.quality
        counts = recommender.exam.ranks | self._rivals.ranks
        ranks = {name: array("q", of) for name, of in counts.items()}  # as there is one for each batch
        return Standing(self._usable, self._duplicates, self._dead_letters, quality, ranks, self._examples)
