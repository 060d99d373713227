"""The model as a pure function of what is recorded: what a learner must have come to, whatever befell it."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import msgpack
from faust.types import TP

from models.examples import Examples, no_examples
from models.names import Names
from models.recommender import Recommender
from stream.chunks import Chunk, RawRecord
from stream.lessons import lessons
from stream.progress import Progress

__all__ = ["Taken", "retrace", "steps_taken"]

_NOWHERE: Final = TP("", 0)


class Taken(NamedTuple):
    """The steps that are on record: examples of each and rehearsals after it, and the offset they reach."""

    steps: list[tuple[int, int]]
    position: int


def steps_taken(records: Iterable[RawRecord]) -> Taken:
    """Return the steps of the ``steps`` topic, each publication once, also where it was sent twice."""
    told = {fields["version"]: fields for fields in (msgpack.unpackb(it.value or b"") for it in records)}
    in_order = [told[version] for version in sorted(told)]
    steps = [(count, rehearsals) for fields in in_order for count, rehearsals in fields["steps"]]
    return Taken(steps, in_order[-1]["position"] if in_order else 0)


def retrace(model: Recommender, examples: Sequence[RawRecord], taken: Taken) -> None:
    """Teach a new model what the records of the ``examples`` topic hold, in the steps that were taken.

    Raises
    ------
    ValueError
        If the steps are of more or of fewer examples than there are.
    """
    fresh = _fresh(record for record in examples if record.offset < taken.position)
    if len(fresh.item) != sum(count for count, _ in taken.steps):
        raise ValueError(
            f"{len(fresh.item)} examples for {sum(count for count, _ in taken.steps)} learnt from"
        )
    parts = iter(fresh.steps([count for count, _ in taken.steps if count]) if len(fresh.item) else [])
    for count, rehearsals in taken.steps:
        if count:
            lesson = next(parts)
            model.test_many(lesson)
            model.learn_many(lesson)
        for _ in range(rehearsals):
            model.replay()


def _fresh(records: Iterable[RawRecord]) -> Examples:
    """Return the examples of all records but for repeats, in order."""
    chunk, place = Chunk(_NOWHERE, list(records), 0), Progress(0, {})
    read = lessons([chunk] if chunk.records else [], Names(), place)
    return Examples.join([no_examples(), *(lesson.examples for lesson in read)])
