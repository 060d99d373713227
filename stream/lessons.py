"""The examples topic: what batches of events taught, in runs that a step is taken on."""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple, Protocol

from models.errors import InvalidRecord, ModelError
from models.examples import Examples, no_examples, unpack
from models.names import Names
from stream.chunks import Chunk, RawRecord
from stream.origins import HEADER, Origins
from stream.outbox import dead_letter

__all__ = ["Lesson", "Place", "lessons"]

# Examples a step, unless one record has more: half of a step's cost is the same for one as for 256, and only
# a backlog makes steps larger than a batch.
_STEP: Final = 512


class Lesson(NamedTuple):
    """Examples of whole records, and where the learner stands after them."""

    examples: Examples
    events: int  # behind the examples, repeats counted in
    next_offset: int  # of the examples topic
    learnt_to: dict[str, int]  # next source offsets by topic and partition, of what is in here
    finished: list[
        tuple[Chunk, dict[int, bytes]]
    ]  # chunks that end in here, and their dead letters by offset
    sent_at: int  # when the first record was sent, in milliseconds since the Unix epoch


class Part(NamedTuple):
    """What is new in one record, of how many events it is, and how far the sources are learnt with it."""

    examples: Examples
    events: int
    learnt_to: dict[str, int]


_NOTHING: Final = Part(no_examples(), 0, {})


class Place(Protocol):
    """How far examples were learnt from."""

    position: int
    learnt_to: dict[str, int]


def lessons(chunks: Iterable[Chunk], names: Names, place: Place) -> Iterator[Lesson]:
    """Yield the examples of chunks in steps, without those of events that were learnt from already.

    The items' names are learnt as well. A record that cannot be read is a dead letter.
    """
    reading = _Reading(names, place)
    for chunk in chunks:
        for record in chunk.records:
            part = reading.read(chunk, record)
            if reading.parts and reading.size + len(part.examples.item) > _STEP:
                yield reading.take()
            reading.add(part, record)
        reading.finish(chunk)
    if reading.parts:
        yield reading.take()


class _Reading:
    """What is gathered for the next step."""

    def __init__(self, names: Names, place: Place) -> None:
        self._names = names
        self._position = place.position
        self._read_to = dict(place.learnt_to)
        self._learnt_to = dict(place.learnt_to)
        self._letters: dict[int, bytes] = {}
        self._start()

    def _start(self) -> None:
        self.parts: list[Examples] = []
        self.size = self._events = 0
        self._records: list[RawRecord] = []
        self._finished: list[tuple[Chunk, dict[int, bytes]]] = []

    def read(self, chunk: Chunk, record: RawRecord) -> Part:
        """Return what is new in a record."""
        if record.offset < self._position:
            return _NOTHING
        try:
            return self._new(record)
        except ModelError as error:
            refused = InvalidRecord("value", (record.value or b"")[:64], str(error))
            self._letters[record.offset] = dead_letter(*chunk.tp, record, refused).to_bytes()
            return _NOTHING

    def _new(self, record: RawRecord) -> Part:
        examples, item_names = unpack(record.value or b"")
        self._names.learn(examples.item.tolist(), item_names)
        raw = dict(record.headers).get(HEADER)
        if raw is None:
            return Part(examples, len(examples.item), {})
        origins = Origins.from_bytes(raw)
        new = origins.not_in(self._read_to)
        next_offsets = origins.next_offsets
        for name, offset in next_offsets.items():
            self._read_to[name] = max(offset, self._read_to.get(name, 0))
        reached = {name: self._read_to[name] for name in next_offsets}
        return Part(examples.take(new), len(examples.item), reached)

    def add(self, part: Part, record: RawRecord) -> None:
        self.parts.append(part.examples)
        self._learnt_to |= part.learnt_to
        self.size += len(part.examples.item)
        self._events += part.events
        self._records.append(record)

    def finish(self, chunk: Chunk) -> None:
        self._finished.append((chunk, self._letters))
        self._letters = {}

    def take(self) -> Lesson:
        lesson = Lesson(
            Examples.join([no_examples(), *self.parts]),
            self._events,
            max(self._records[-1].offset + 1, self._position),
            dict(self._learnt_to),
            self._finished,
            self._records[0].timestamp,
        )
        self._start()
        return lesson
