"""The oracle: what a storm has left in Kafka and on disk, against pure functions over the source topics."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import torch

from models.fingerprint import fingerprint
from models.profile import Profiles
from models.recommender import Recommender
from models.stock import Stock
from stream.chaos.answers import Answers, check_answers
from stream.chaos.erasures import asked_in, by_partition, failed_erasures, names_of_markers, sifted
from stream.chaos.learner import Taught, check_lessons, relearn, steps_of, unequal_rows
from stream.chaos.profiles import Comparison, Folded, Stored, compare
from stream.chaos.records import Record, newest, read_topic
from stream.chaos.sources import Placed, Refused, Sources
from stream.chaos.verdict import Verdict
from stream.erasure_markers import ErasureMarkers
from stream.model_thread import ModelThread
from stream.origins import source_name
from stream.settings import Settings
from stream.storage import Storage
from stream.store_keys import BLOCKS, OFFSET, PROFILE, topic_key
from stream.topics import BROWSE, FORGET, ORDERS, Topics

__all__ = ["Oracle"]

_SOURCES: Final = (BROWSE, ORDERS)


class _Truth(NamedTuple):
    """What must be: the profiles by partition, and the events that count by the id of their answer.

    ``erased`` are those that counted until their users were erased: they may have been answered.
    """

    profiles: dict[int, Profiles]
    answered: dict[str, Placed]
    erased: dict[str, Placed]

    @classmethod
    def of(cls, sources: Sources, markers: Mapping[int, ErasureMarkers]) -> "_Truth":
        """Return it; ``markers`` are those of the erased users, by partition."""
        nobody = ErasureMarkers([])
        parts = {n: sifted(placed, markers.get(n, nobody)) for n, placed in sources.events.items()}
        folded = {n: Folded.of([one.event for one in kept]) for n, (kept, _) in parts.items()}
        counting = [parts[n][0][at] for n, fold in folded.items() for at in fold.kept]
        gone = [one for _, taken_back in parts.values() for one in taken_back]
        profiles = {n: fold.profiles for n, fold in folded.items()}
        return cls(profiles, *({one.answer_id: one for one in some} for some in (counting, gone)))


class Oracle:
    """Judges a system at rest: all is handled, and the workers have stopped.

    Parameters
    ----------
    settings
        Of the workers; the learner's were on a CPU.
    stores
        The folders of the workers' profile stores.
    former
        What was in the topic of clicks each time before it was deleted.
    """

    def __init__(
        self, settings: Settings, stores: Iterable[Path], former: Sequence[list[Record]] = ()
    ) -> None:
        self._settings = settings
        self._topics = Topics(settings.topic_prefix, settings.partitions)
        self._stores = list(stores)
        self._former = former

    def verdict(self) -> Verdict:
        """Read everything and compare; takes some seconds for 100,000 events."""
        sources = Sources.of(self._clicks(), self._read(ORDERS))
        changelog = newest(self._read("profiles"))
        markers = by_partition(changelog)
        truth = _Truth.of(sources, markers)
        must, may = _event_ids(truth.answered), _event_ids(truth.erased)
        answers = check_answers(must, self._read("recommendations"), may)
        profiles = self._compare_profiles(truth.profiles, changelog)
        asked, decisions = asked_in(self._read(FORGET)), self._read("decisions")
        unanswered = {_key(truth.answered[answer]) for answer in answers.missing}
        return Verdict(
            events=len(truth.answered),
            lost=len(profiles.lost | unanswered),
            doubled=len(profiles.doubled),
            unequal=len(profiles.unequal),
            **_answers_of(answers),
            refused=len(sources.refused),
            missing_dead_letters=len(set(sources.refused) - set(self._dead_letters())),
            **self._check_learner(truth),
            erased=len(truth.erased),
            failed_erasures=len(failed_erasures(asked, markers, sources.events, decisions)),
        )

    def _read(self, topic: str) -> list[Record]:
        return read_topic(self._settings.broker.removeprefix("kafka://"), self._topics.name(topic))

    def _clicks(self) -> list[Record]:
        """Return what is in the topic, after what was in those of the same name before it."""
        name, generations = self._topics.name(BROWSE), [*self._former, self._read(BROWSE)]
        named = [source_name(name, {name: count} if count else {}) for count in range(len(generations))]
        pairs = zip(named, generations, strict=True)
        return [record._replace(topic=own) for own, records in pairs for record in records]

    def _check_learner(self, truth: _Truth) -> dict[str, int]:
        """Learn it all anew, on a thread like the workers', whose number of threads decides the last bits."""
        taught, steps = Taught.of(self._read("examples")), steps_of(self._read("steps"))
        lessons = check_lessons(_teaching(truth.answered), taught, _teaching(truth.erased))
        recommender = Recommender(Stock(self._settings.max_items, torch.device("cpu")), self._settings.seed)
        thread = ModelThread()
        must = asyncio.run(thread.run(relearn, taught, steps, recommender))
        thread.close()
        rows = {key: value for (_, key), value in newest(self._read("model")).items()}
        return {
            "learnt": sum(steps),
            "missing_lessons": len(lessons.missing) + len(taught.answer_ids) - sum(steps),
            "unexpected_lessons": len(lessons.unexpected),
            "unequal_rows": unequal_rows(must, rows),
        }

    def _compare_profiles(
        self, must: dict[int, Profiles], changelog: Mapping[tuple[int, bytes], bytes]
    ) -> Comparison:
        """Compare the changelog, and of each partition the stores that are as new as the changelog."""
        found = Comparison()
        for partition, profiles in must.items():
            kept = {name: value for (number, name), value in changelog.items() if number == partition}
            found |= compare(profiles, _stored(kept).profiles())
            for rows in self._rows_of_owners(partition, self._places(kept)):
                found |= compare(profiles, rows)
        return found

    def _places(self, names: dict[bytes, bytes]) -> dict[bytes, bytes | None]:
        """Return the next offset of each topic that profiles are made from, and the users erased."""
        offsets = (topic_key(OFFSET, self._topics.name(topic)) for topic in (*_SOURCES, FORGET))
        return {**{name: names.get(name) for name in offsets}, **names_of_markers(names)}

    def _rows_of_owners(self, partition: int, places: dict[bytes, bytes | None]) -> Iterator[Profiles]:
        """Yield what the owners have of a partition; where nobody has it, that is nothing at all."""
        owned = 0
        for folder in self._stores:
            storage = Storage(folder)
            try:
                names = dict(storage.scan(partition, b""))
            finally:
                storage.close()
            if self._places(names) == places:
                owned += 1
                yield _stored(names).profiles()
        if not owned:
            yield Profiles([])

    def _dead_letters(self) -> Iterator[Refused]:
        for topic in _SOURCES:
            full_name = self._topics.name(topic)
            for record in self._read(Topics.dead_letters(topic)):
                said = dict(record.headers)
                yield Refused(full_name, int(said["dlq.partition"]), int(said["dlq.offset"]))


def _answers_of(answers: Answers) -> dict[str, int]:
    return {
        "unexpected_answers": len(answers.unexpected),
        "differing_answers": len(answers.differing),
        "repeated_answers": answers.repeats,
    }


def _event_ids(answered: Mapping[str, Placed]) -> dict[str, str]:
    return {answer: placed.event.event_id for answer, placed in answered.items()}


def _teaching(answered: Mapping[str, Placed]) -> list[str]:
    """Return the ids of the answers to those events that teach."""
    return [answer for answer, placed in answered.items() if not placed.event.event.takes_back]


def _key(placed: Placed) -> tuple[str, int]:
    return placed.event.user_id, fingerprint(placed.event.event_id)


def _stored(names: dict[bytes, bytes]) -> Stored:
    rows, blocks = (
        {name[1:]: value for name, value in names.items() if name[:1] == kind} for kind in (PROFILE, BLOCKS)
    )
    return Stored(rows, blocks)
