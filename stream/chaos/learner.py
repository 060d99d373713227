"""The model as it must be: a pure function of the recorded examples and the journal of steps."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgpack

from models.examples import Examples, no_examples
from models.names import Names
from models.packing import unpack
from models.recommender import Recommender
from models.record_block import records_of
from models.row_records import is_row, row_records
from stream.chaos.records import Record
from stream.erasure_records import erased_user
from stream.origins import HEADER, Origins
from stream.retrain_requests import asked_for

__all__ = ["Lessons", "Taught", "check_lessons", "relearn", "steps_of", "unequal_rows"]


class Taught(NamedTuple):
    """The examples that a learner learns from, in order, without those of events that came before."""

    examples: Examples
    answer_ids: list[str]  # of their events: topic, partition and offset
    names: Names

    @classmethod
    def of(cls, records: Iterable[Record]) -> "Taught":
        """Return what is new in the records of the examples topic.

        A restarted worker hands on again what it had handed on, maybe in other batches. So an event counts if
        its offset is not below the next one of its source partition so far.
        """
        parts, ids, names = [no_examples()], [], Names()
        read_to: dict[str, int] = {}
        for record in records:
            if erased_user(record.headers) is not None or asked_for(record.headers) is not None:
                continue
            examples, item_names = unpack(record.value or b"")
            names.learn(examples.item.tolist(), item_names)
            origins = Origins.from_bytes(dict(record.headers)[HEADER])
            new = origins.enter(read_to)
            parts.append(examples.take(new))
            ids += [one for one, is_new in zip(_answer_ids(origins), new.tolist(), strict=True) if is_new]
        return cls(Examples.join(parts), ids, names)


class Lessons(NamedTuple):
    """Events that teach and are in no example, and examples of no event that teaches, or of one twice."""

    missing: frozenset[str]
    unexpected: frozenset[str]


def steps_of(journal: Iterable[Record]) -> list[int]:
    """Return of how many examples each step was, as the ``steps`` topic says, each publication once.

    A learner that does not hear whether the broker has one sends it again. One with steps has a version of
    its own; one without says what was passed over, or which rows had waited.
    """
    publications = [msgpack.unpackb(record.value) for record in journal]
    by_version = {it["version"]: it["steps"] for it in publications if it["steps"]}
    return [step for steps in by_version.values() for step in steps]


def check_lessons(teaching: Iterable[str], taught: Taught, may: Iterable[str] = ()) -> Lessons:
    """Return how the examples differ from the events that must or may teach, by the ids of their answers."""
    must, counts = frozenset(teaching), Counter(taught.answer_ids)
    twice = {one for one, count in counts.items() if count > 1}
    return Lessons(must - counts.keys(), frozenset((counts.keys() - must - set(may)) | twice))


def relearn(taught: Taught, steps: list[int], recommender: Recommender) -> dict[bytes, bytes | None]:
    """Take every step anew, and return what the model topic must hold, by key.

    ``recommender`` is a new one, as the workers' was; it has learnt it all afterwards. The steps tell of no
    more examples than there are.
    """
    sizes = [*steps, len(taught.examples.item) - sum(steps)]
    for examples in taught.examples.steps(sizes)[:-1]:
        recommender.test_many(examples)
        recommender.learn_many(examples)
    part = recommender.take_changes()
    names = taught.names.of(part.rows.key.tolist())
    return records_of(row_records(part.rows, names, part.removed))


def unequal_rows(must: Mapping[bytes, bytes | None], found: Mapping[bytes, bytes]) -> int:
    """Return how many rows of a model differ from what they must be, bit for bit."""
    rows = {key: value for key, value in found.items() if is_row(key)}
    return sum(must.get(key) != rows.get(key) for key in must.keys() | rows.keys())


def _answer_ids(origins: Origins) -> list[str]:
    places = zip(origins.topic.tolist(), origins.offset.tolist(), strict=True)
    return [f"{origins.topics[topic]}-{origins.partition}-{offset}" for topic, offset in places]
