"""What the examples topic holds between two places, for those who look back on it."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Final

import numpy as np
from faust.types import TP

from models.errors import ModelError
from models.examples import Examples, no_examples
from models.packing import unpack_many
from stream.chunks import RawRecord
from stream.erasure_records import erased_user
from stream.log_reader import LogReader
from stream.origins import origins_in
from stream.progress import Mark

__all__ = ["reread"]

# Records that are read at once: the event loop is held up for some 10 ms by so many.
_AT_ONCE: Final = 50


async def reread(
    reader: LogReader, examples: TP, first: Mark, position: int
) -> AsyncGenerator[Examples, None]:
    """Yield the examples of a learner that went from ``first`` to ``position``, in order.

    As for the learner, an event teaches once, and a record that cannot be read teaches nothing. What the
    topic does not hold, or no more, is left out.
    """
    learnt_to = dict(first.learnt_to)
    end = min(position, (await reader.ends([examples]))[examples])
    async for records in reader.read(examples, first.position, end):
        for start in range(0, len(records), _AT_ONCE):
            some = records[start : start + _AT_ONCE]
            yield _new_examples([record for record in some if _has_examples(record)], learnt_to)
            await asyncio.sleep(0)  # answers have their turn


def _has_examples(record: RawRecord) -> bool:
    try:
        return erased_user(record.headers) is None
    except ModelError:  # it was a dead letter, whatever else is in it
        return False


def _new_examples(records: Sequence[RawRecord], learnt_to: dict[str, int]) -> Examples:
    """Return what is new in the records, and note in ``learnt_to`` that it is learnt."""
    if not records:
        return no_examples()
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
