"""The oracle: what a storm has left in Kafka and on disk, against pure functions over the source topics."""

import asyncio
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import torch

from models.fingerprint import fingerprint
from models.profile import Profiles
from models.recommender import Recommender
from stream.chaos_answers import Answers, check_answers
from stream.chaos_learner import Steps, Taught, check_lessons, relearn, unequal_rows
from stream.chaos_profiles import Comparison, Folded, Stored, compare
from stream.chaos_records import Record, newest, read_topic
from stream.chaos_sources import Placed, Refused, Sources
from stream.model_thread import ModelThread
from stream.settings import Settings
from stream.storage import Storage
from stream.topics import BROWSE, ORDERS, Topics

__all__ = ["Oracle", "Verdict"]

_SOURCES: Final = (BROWSE, ORDERS)


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What an oracle found.

    Attributes
    ----------
    events
        Usable events that are no repeats of others.
    lost, doubled
        Events that are in no profile or without an answer; that are in a profile twice.
    unequal
        Users whose profile is not the pure fold, in the changelog or in a worker's store.
    strange_answers, differing_answers, repeated_answers
        As `Answers` has them.
    refused, unburied
        Records that are no events, and those of them without a dead letter.
    learnt, unlearnt
        Examples that the learner has learnt from, and events that teach and that it has not learnt from.
    strange_lessons
        Examples of no event that teaches, or of one that came before.
    unequal_rows
        Rows of the model that are not what its steps lead to, bit for bit.
    """

    events: int
    lost: int
    doubled: int
    unequal: int
    strange_answers: int
    differing_answers: int
    repeated_answers: int
    refused: int
    unburied: int
    learnt: int
    unlearnt: int
    strange_lessons: int
    unequal_rows: int

    @property
    def holds(self) -> bool:
        """Whether nothing is lost, nothing counted twice, and all is as the pure functions say."""
        events = (self.lost, self.doubled, self.unequal, self.strange_answers, self.unburied)
        return not any((*events, self.unlearnt, self.strange_lessons, self.unequal_rows))


class _Truth(NamedTuple):
    """What must be: the profiles by partition, and the events that count by the id of their answer."""

    profiles: dict[int, Profiles]
    answered: dict[str, Placed]

    @classmethod
    def of(cls, sources: Sources) -> "_Truth":
        folded = {n: Folded.of([one.event for one in placed]) for n, placed in sources.events.items()}
        kept = [sources.events[n][at] for n, fold in folded.items() for at in fold.kept]
        return cls({n: fold.profiles for n, fold in folded.items()}, {one.answer_id: one for one in kept})

    @property
    def teaching(self) -> list[str]:
        """The ids of the answers to those that teach."""
        return [answer for answer, placed in self.answered.items() if not placed.event.event.takes_back]


class Oracle:
    """Judges a system at rest: all is handled, and the workers have stopped.

    Parameters
    ----------
    settings
        Of the workers; the learner's were on a CPU.
    stores
        The folders of the workers' profile stores.
    """

    def __init__(self, settings: Settings, stores: Iterable[Path]) -> None:
        self._settings = settings
        self._topics = Topics(settings.topic_prefix, settings.partitions)
        self._stores = list(stores)

    def verdict(self) -> Verdict:
        """Read everything and compare; takes some seconds for 100,000 events."""
        sources = Sources.of(*(self._read(topic) for topic in _SOURCES))
        truth = _Truth.of(sources)
        event_ids = {answer: placed.event.event_id for answer, placed in truth.answered.items()}
        answers = check_answers(event_ids, self._read("recommendations"))
        profiles = self._compare_profiles(truth.profiles)
        unanswered = {_key(truth.answered[answer]) for answer in answers.missing}
        return Verdict(
            events=len(truth.answered),
            lost=len(profiles.lost | unanswered),
            doubled=len(profiles.doubled),
            unequal=len(profiles.unequal),
            **_answers_of(answers),
            refused=len(sources.refused),
            unburied=len(set(sources.refused) - set(self._buried())),
            **self._check_learner(truth),
        )

    def _read(self, topic: str) -> list[Record]:
        return read_topic(self._settings.broker.removeprefix("kafka://"), self._topics.name(topic))

    def _check_learner(self, truth: _Truth) -> dict[str, int]:
        """Learn it all anew, on a thread like the workers', whose number of threads decides the last bits."""
        taught, steps = Taught.of(self._read("examples")), Steps.of(self._read("steps"))
        lessons = check_lessons(truth.teaching, taught)
        recommender = Recommender(self._settings.max_items, torch.device("cpu"), self._settings.seed)
        thread = ModelThread()
        must = asyncio.run(thread.run(relearn, taught, steps, recommender))
        thread.close()
        rows = {key: value for (_, key), value in newest(self._read("model")).items()}
        return {
            "learnt": sum(steps.counts),
            "unlearnt": len(lessons.missing) + len(taught.answer_ids) - sum(steps.counts),
            "strange_lessons": len(lessons.strange),
            "unequal_rows": unequal_rows(must, rows),
        }

    def _compare_profiles(self, must: dict[int, Profiles]) -> Comparison:
        """Compare the changelog, and of each partition the stores that are as new as the changelog."""
        changelog = newest(self._read("profiles"))
        found = Comparison()
        for partition, profiles in must.items():
            kept = {name: value for (number, name), value in changelog.items() if number == partition}
            found |= compare(profiles, _stored(kept).profiles())
            for rows in self._rows_of_owners(partition, self._offsets(kept)):
                found |= compare(profiles, rows)
        return found

    def _offsets(self, names: dict[bytes, bytes]) -> list[bytes | None]:
        """Return the next offset of each source topic, as a store keeps it."""
        return [names.get(b"n" + self._topics.name(topic).encode()) for topic in _SOURCES]

    def _rows_of_owners(self, partition: int, offsets: list[bytes | None]) -> Iterator[Profiles]:
        """Yield what the owners have of a partition; where nobody has it, that is nothing at all."""
        owned = 0
        for folder in self._stores:
            storage = Storage(folder)
            try:
                names = dict(storage.scan(partition, b""))
            finally:
                storage.close()
            if self._offsets(names) == offsets:
                owned += 1
                yield _stored(names).profiles()
        if not owned:
            yield Profiles([])

    def _buried(self) -> Iterator[Refused]:
        for topic in _SOURCES:
            full_name = self._topics.name(topic)
            for record in self._read(Topics.dead_letters(topic)):
                said = dict(record.headers)
                yield Refused(full_name, int(said["dlq.partition"]), int(said["dlq.offset"]))


def _answers_of(answers: Answers) -> dict[str, int]:
    return {
        "strange_answers": len(answers.strange),
        "differing_answers": len(answers.differing),
        "repeated_answers": answers.repeats,
    }


def _key(placed: Placed) -> tuple[str, int]:
    return placed.event.user_id, fingerprint(placed.event.event_id)


def _stored(names: dict[bytes, bytes]) -> Stored:
    rows, blocks = (
        {name[1:]: value for name, value in names.items() if name[:1] == kind} for kind in (b"p", b"b")
    )
    return Stored(rows, blocks)
