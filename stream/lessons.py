"""The examples topic: what batches of events taught, in runs that a step is taken on."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple, Protocol

from faust.types import TP

from models.drift import Alarm
from models.errors import InvalidRecord, ModelError
from models.examples import Examples, no_examples
from models.names import Names
from models.packing import unpack
from stream.chunks import Chunk, RawRecord
from stream.erasure_records import erased_user
from stream.origins import origins_in
from stream.outbox import dead_letter
from stream.retrain_requests import asked_for

__all__ = ["Learnt", "LearntTo", "Lesson", "lessons"]

# Examples a step, unless one record has more: half of a step's cost is the same for one as for 256, and only
# a backlog makes steps larger than a batch.
_STEP: Final = 512


class Lesson(NamedTuple):
    """Examples of whole records, and where the learner stands after them."""

    examples: Examples
    events: int  # behind the examples, repeats counted in
    start: int  # offset of the examples topic up to which all must be learnt before
    next_offset: int  # and with this
    learnt_to: dict[str, int]  # next source offsets by topic and partition, of all up to and with this
    finished: list[
        tuple[Chunk, dict[int, bytes]]
    ]  # chunks that end in here, and their dead letters by offset
    sent_at: int  # when the first record was sent, in milliseconds since the Unix epoch
    asked: str = ""  # why operators have asked for a challenger; "" where none has
    records: Sequence["_Read"] = ()
    reading: int | None = 0  # the learner's, when this was read

    def refuse(self, learnt: "Learnt") -> None:
        """Have the records be dead letters if something of them could not be learnt.

        Whoever sends those of a chunk that ends here settles it, in place of the learner.
        """
        if learnt.refused:
            reason = f"gradients of {learnt.refused} rows are not finite, and were left out"
            for tp, record, dead_letters in self.records:
                dead_letters[record.offset] = _refused(tp, record, reason)

    def follows(self, reading: int | None, position: int) -> bool:
        """Return whether it is what comes next for a learner that stands there, in what it reads now."""
        return reading is not None and (reading, position) == (self.reading, self.start)

    @property
    def ts(self) -> int:
        """The time in the middle of the examples, in milliseconds since the Unix epoch; 0 of none."""
        return int(self.examples.ts.median()) if len(self.examples.item) else 0


class Learnt(NamedTuple):
    """What came of a lesson that counts: the mean loss, None where nothing in it was new."""

    loss: float | None
    refused: int = 0  # rows whose gradients were not finite, and were left out
    alarms: Sequence[Alarm] = ()  # of the monitor
    again: bool = False  # whether the model that was replaced has learnt it before


class _Read(NamedTuple):
    """A record, and the dead letters of its chunk so far, by offset."""

    tp: TP
    record: RawRecord
    dead_letters: dict[int, bytes]


class _Part(NamedTuple):
    """The new examples of one record, the number of its events, and the source offsets it reaches."""

    examples: Examples
    events: int
    learnt_to: dict[str, int]


_NOTHING: Final = _Part(no_examples(), 0, {})


class LearntTo(Protocol):
    """How far examples were learnt from."""

    position: int
    learnt_to: dict[str, int]
    tested_to: int


def lessons(
    chunks: Iterable[Chunk], names: Names, learnt: LearntTo, reading: int | None = 0
) -> Iterator[Lesson]:
    """Yield the examples of chunks in steps, without those of events that were learnt from already.

    The items' names are learnt as well. A record that cannot be read is a dead letter. One that erases a user
    is for whoever trains anew from the topic: the model holds nothing of users.
    """
    gathered = _Gathered(names, learnt)
    for chunk in chunks:
        for record in chunk.records:
            part = gathered.read(chunk, record)
            if gathered.must_end_before(part, record.offset):
                yield gathered.take()._replace(reading=reading)
            gathered.add(part, chunk, record)
        gathered.finish(chunk)
    if gathered.parts:
        yield gathered.take()._replace(reading=reading)


class _Gathered:
    """What is gathered for the next step."""

    def __init__(self, names: Names, learnt: LearntTo) -> None:
        self._names = names
        self._position, self._tested_to = learnt.position, learnt.tested_to
        self._read_to = dict(learnt.learnt_to)
        self._learnt_to = dict(learnt.learnt_to)
        self._dead_letters: dict[int, bytes] = {}
        self._start()

    def _start(self) -> None:
        self.parts: list[Examples] = []
        self.size = self._events = 0
        self._asked = ""
        self._records: list[_Read] = []
        self._finished: list[tuple[Chunk, dict[int, bytes]]] = []

    def read(self, chunk: Chunk, record: RawRecord) -> _Part:
        """Return what is new in a record."""
        if record.offset < self._position:
            return _NOTHING
        try:
            return self._new(record)
        except ModelError as error:
            self._dead_letters[record.offset] = _refused(chunk.tp, record, str(error))
            return _NOTHING

    def _new(self, record: RawRecord) -> _Part:
        if erased_user(record.headers) is not None:
            return _NOTHING
        if (asked := asked_for(record.headers)) is not None:
            self._asked = f"{self._asked}; {asked}" if self._asked else asked
            return _NOTHING
        examples, item_names = unpack(record.value or b"")
        self._names.learn(examples.item.tolist(), item_names)
        origins = origins_in(record.headers, len(examples.item))
        if origins is None:
            return _Part(examples, len(examples.item), {})
        new = origins.enter(self._read_to)
        reached = {name: self._read_to[name] for name in origins.names}
        return _Part(examples.take(new), len(examples.item), reached)

    def must_end_before(self, part: _Part, offset: int) -> bool:
        """Return whether a step with this as well would be too large, or only in part of what is new."""
        is_new = self._position < self._tested_to <= offset
        return bool(self.parts) and (is_new or self.size + len(part.examples.item) > _STEP)

    def add(self, part: _Part, chunk: Chunk, record: RawRecord) -> None:
        self.parts.append(part.examples)
        self._learnt_to |= part.learnt_to
        self.size += len(part.examples.item)
        self._events += part.events
        self._records.append(_Read(chunk.tp, record, self._dead_letters))

    def finish(self, chunk: Chunk) -> None:
        self._finished.append((chunk, self._dead_letters))
        self._dead_letters = {}

    def take(self) -> Lesson:
        lesson = Lesson(
            examples=Examples.join([no_examples(), *self.parts]),
            events=self._events,
            start=self._position,
            next_offset=max(self._records[-1].record.offset + 1, self._position),
            learnt_to=dict(self._learnt_to),
            finished=self._finished,
            sent_at=self._records[0].record.timestamp,
            asked=self._asked,
            records=self._records,
        )
        self._position = lesson.next_offset
        self._start()
        return lesson


def _refused(tp: TP, record: RawRecord, reason: str) -> bytes:
    """Return the dead letter of a record, as the outbox has it."""
    return dead_letter(*tp, record, InvalidRecord("value", (record.value or b"")[:64], reason)).to_bytes()
