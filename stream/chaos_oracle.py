"""The oracle: what a storm has left in Kafka and on disk, against pure functions over the source topics."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from models.fingerprint import fingerprint
from models.profile import Profiles
from stream.chaos_answers import Answers, check_answers
from stream.chaos_profiles import Comparison, Folded, Stored, compare
from stream.chaos_records import newest, read_topic
from stream.chaos_sources import Placed, Refused, Sources
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

    @property
    def holds(self) -> bool:
        """Whether nothing is lost, nothing counted twice, and all is as the pure functions say."""
        wrong = (self.lost, self.doubled, self.unequal, self.strange_answers, self.unburied)
        return not any(wrong)


class _Truth(NamedTuple):
    """What must be: the profiles by partition, and the events that count by the id of their answer."""

    profiles: dict[int, Profiles]
    answered: dict[str, Placed]

    @classmethod
    def of(cls, sources: Sources) -> "_Truth":
        folded = {n: Folded.of([one.event for one in placed]) for n, placed in sources.events.items()}
        kept = [sources.events[n][at] for n, fold in folded.items() for at in fold.kept]
        return cls({n: fold.profiles for n, fold in folded.items()}, {one.answer_id: one for one in kept})


class Oracle:
    """Judges a system at rest: all is handled, and the workers have stopped.

    Parameters
    ----------
    broker
        Its address.
    topics
        The names of the topics.
    stores
        The folders of the workers' profile stores.
    """

    def __init__(self, broker: str, topics: Topics, stores: Iterable[Path]) -> None:
        self._broker = broker
        self._topics = topics
        self._stores = list(stores)

    def verdict(self) -> Verdict:
        """Read everything and compare; takes some seconds for 100,000 events."""
        name = self._topics.name
        sources = Sources.of(*(read_topic(self._broker, name(topic)) for topic in _SOURCES))
        truth = _Truth.of(sources)
        event_ids = {answer: placed.event.event_id for answer, placed in truth.answered.items()}
        answers = check_answers(event_ids, read_topic(self._broker, name("recommendations")))
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
        )

    def _compare_profiles(self, must: dict[int, Profiles]) -> Comparison:
        """Compare the changelog, and of each partition the stores that are as new as the changelog."""
        changelog = newest(read_topic(self._broker, self._topics.name("profiles")))
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
            for record in read_topic(self._broker, Topics.dead_letters(full_name)):
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
