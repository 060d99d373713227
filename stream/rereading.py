"""What the examples topic holds between two places, for those who look back on it."""

from collections.abc import AsyncGenerator, Iterator, Sequence
from itertools import groupby
from typing import Final, NamedTuple

import numpy as np
from faust.types import TP

from models.errors import ModelError
from models.examples import Examples, no_examples
from models.packing import unpack_many
from stream.chunks import RawRecord
from stream.erasure_records import erased_user
from stream.log_reader import LogReader
from stream.origins import origins_in
from stream.progress import ReplayPoint

__all__ = ["ExampleRun", "reread"]

# Records that are read at once: the event loop is held up for some 10 ms by so many.
_AT_ONCE: Final = 50


class ExampleRun(NamedTuple):
    """Examples that a learner learns from, and the pseudonyms of those to forget after them.

    Who looks back on more than one run forgets them in all that came before as well.
    """

    examples: Examples
    erased_users: list[int]


async def reread(
    reader: LogReader, examples: TP, first: ReplayPoint, position: int
) -> AsyncGenerator[ExampleRun, None]:
    """Yield what a learner has learnt that went from ``first`` to ``position``, in order.

    As for the learner, an event teaches once, and a record that cannot be read teaches nothing. What the
    topic does not hold, or no more, is left out.
    """
    learnt_to = dict(first.learnt_to)
    end = min(position, (await reader.ends([examples]))[examples])
    async for records in reader.read(examples, first.position, end):
        for start in range(0, len(records), _AT_ONCE):
            for run in _runs(records[start : start + _AT_ONCE], learnt_to):
                yield run


def _runs(records: Sequence[RawRecord], learnt_to: dict[str, int]) -> Iterator[ExampleRun]:
    marked = zip(records, map(_erased_users, records), strict=True)
    for erases, group in groupby(marked, lambda pair: pair[1] is not None):
        if erases:
            yield ExampleRun(no_examples(), [who for _, gone in group for who in gone or ()])
        else:
            yield ExampleRun(_new_examples([record for record, _ in group], learnt_to), [])


def _erased_users(record: RawRecord) -> list[int] | None:
    """Return whom a record erases; None where it is one of examples."""
    try:
        who = erased_user(record.headers)
    except ModelError:  # it was a dead letter, whatever else is in it
        return []
    return None if who is None else [who]


def _new_examples(records: Sequence[RawRecord], learnt_to: dict[str, int]) -> Examples:
    """Return what is new in the records, and note in ``learnt_to`` that it is learnt."""
    try:
        examples, counts = unpack_many([record.value or b"" for record in records])
        origins = [origins_in(it.headers, count) for it, count in zip(records, counts, strict=True)]
    except ModelError:  # at least one of them was a dead letter
        alone = [_new_examples([record], learnt_to) for record in records] if len(records) > 1 else []
        return Examples.join([no_examples(), *alone])
    masks = [
        np.ones(count, np.bool_) if it is None else it.enter(learnt_to)
        for it, count in zip(origins, counts, strict=True)
    ]
    return examples.take(np.concatenate(masks))
