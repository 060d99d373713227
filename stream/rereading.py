"""What the examples topic holds from a place on, for those who look back on it."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Final

import numpy as np
from faust.types import TP

from models.errors import ModelError
from models.examples import Examples, no_examples
from models.names import Names
from models.packing import unpack_many
from stream.chunks import RawRecord
from stream.erasure_records import erased_user
from stream.log_reader import LogReader
from stream.origins import origins_in
from stream.progress import Mark

__all__ = ["Rereading"]

# Records that are read at once: the event loop is held up for some 10 ms by so many.
_AT_ONCE: Final = 50


class Rereading:
    """The examples of a learner that goes on from a place, in order.

    As for the learner, an event teaches once, and a record that cannot be read teaches nothing. What the
    topic does not hold, or no more, is left out.

    Parameters
    ----------
    reader
        Reads the partition ``examples``; open.
    examples
        The partition of the examples.
    first
        Where to begin.
    names
        Learns what the items are called.

    Attributes
    ----------
    position
        The next offset.
    taught
        Examples that ever taught, up to it.
    learnt_to
        The next offset of each source topic and partition.
    erased
        Pseudonyms of the users who were erased meanwhile.
    """

    def __init__(self, reader: LogReader, examples: TP, first: Mark, names: Names) -> None:
        self._reader, self._examples, self._names = reader, examples, names
        self.position, self.taught, self.learnt_to = first.position, first.taught, dict(first.learnt_to)
        self.erased: set[int] = set()

    async def until(self, position: int) -> AsyncGenerator[Examples, None]:
        """Yield what stands below an offset of the topic, or below its end."""
        end = min(position, (await self._reader.ends([self._examples]))[self._examples])
        async for records in self._reader.read(self._examples, self.position, end):
            for start in range(0, len(records), _AT_ONCE):
                some = records[start : start + _AT_ONCE]
                self.position = some[-1].offset + 1
                yield self._read([record for record in some if self._has_examples(record)])
                await asyncio.sleep(0)  # answers have their turn
        self.position = max(self.position, end)

    def _read(self, records: Sequence[RawRecord]) -> Examples:
        examples = self._new_examples(records)
        self.taught += int(examples.teaches.sum())
        return examples

    def _has_examples(self, record: RawRecord) -> bool:
        try:
            erased = erased_user(record.headers)
        except ModelError:  # it was a dead letter, whatever else is in it
            return False
        if erased is not None:
            self.erased.add(erased)
        return erased is None

    def _new_examples(self, records: Sequence[RawRecord]) -> Examples:
        """Return what is new in the records, and note that it is learnt."""
        if not records:
            return no_examples()
        try:
            examples, counts, names = unpack_many([record.value or b"" for record in records])
            origins = [origins_in(it.headers, count) for it, count in zip(records, counts, strict=True)]
        except ModelError:  # at least one of them was a dead letter
            alone = [self._new_examples([record]) for record in records] if len(records) > 1 else []
            return Examples.join([no_examples(), *alone])
        self._names.learn(examples.item.tolist(), names)
        masks = [
            np.ones(count, np.bool_) if it is None else it.enter(self.learnt_to)
            for it, count in zip(origins, counts, strict=True)
        ]
        return examples.take(np.concatenate(masks))
