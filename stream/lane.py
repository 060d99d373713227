"""The arrivals of one topic's partition: decoded, each with its place in event time."""

from collections import deque
from collections.abc import Iterator
from typing import Final, cast

import msgspec
from faust.types import TP

from models.codec import EVENTS
from models.errors import InvalidRecord
from models.events import Event
from stream.chunks import Chunk, RawRecord

__all__ = ["Arrival", "Lane"]

# An hour: longer than a busy shop is quiet by day. What is further ahead may be a wrong clock's.
_LEAP_MS: Final = 3_600_000


class Arrival(msgspec.Struct, frozen=True, eq=False, gc=False):
    """A record with what was made of it, and its place in event time.

    ``order`` is the newest event time of its topic so far, in milliseconds: a late event does not
    overtake the one before it, and a record that cannot be read stays where it came. What is far ahead of
    the event after it has the order of the one before: a wrong clock does not hold up its topic.
    """

    order: int
    record: RawRecord
    decoded: Event | InvalidRecord
    chunk: Chunk

    @property
    def size(self) -> int:
        """Bytes of the record's value."""
        return len(self.record.value or b"")

    @property
    def event(self) -> Event:
        """The event, of an arrival that is one."""
        return cast("Event", self.decoded)


class Lane:
    """The arrivals of one topic's partition, in the order of its log."""

    def __init__(self, tp: TP) -> None:
        self.tp = tp
        self._waiting: deque[Arrival] = deque()
        self._newest = 0
        self._leap = 0  # the time of the last event, where it is far ahead of those before
        self._epoch = 0
        self.size = 0  # bytes of what waits
        self.next_offset: int | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def __iter__(self) -> Iterator[Arrival]:
        return iter(self._waiting)

    def add(self, chunk: Chunk, now: int) -> None:
        """Decode a chunk's records; ``now`` is the clock in milliseconds since the Unix epoch."""
        if chunk.epoch != self._epoch:  # the partition is read anew: what waits will come again
            self._waiting.clear()
            self._epoch, self._newest, self._leap, self.size = chunk.epoch, 0, 0, 0
        for record in chunk.records:
            event = _decode(record, now)
            order = self._advance(event.ts) if isinstance(event, Event) else self._leap or self._newest
            self._waiting.append(Arrival(order, record, event, chunk))
            self.size += self._waiting[-1].size
        self.next_offset = chunk.next_offset

    def _advance(self, ts: int) -> int:
        """Move on to ``ts`` and return the order of its event: after a leap it is the next that tells."""
        if self._leap and ts < self._leap - _LEAP_MS:
            self._withdraw()
        self._newest, self._leap = max(self._newest, self._leap), 0
        if self._newest and ts > self._newest + _LEAP_MS:
            self._leap = ts
            return ts
        self._newest = max(self._newest, ts)
        return self._newest

    def _withdraw(self) -> None:
        """Put what has leapt beside what was before it."""
        for place in reversed(range(len(self._waiting))):
            if self._waiting[place].order != self._leap:
                break
            self._waiting[place] = msgspec.structs.replace(self._waiting[place], order=self._newest)
        self._leap = 0

    @property
    def newest(self) -> int:
        """The event time up to which this lane is at hand, in milliseconds."""
        return self._newest

    def drop(self, count: int) -> None:
        """Take out the first ``count`` arrivals."""
        for _ in range(count):
            self.size -= self._waiting.popleft().size


def _decode(record: RawRecord, now: int) -> Event | InvalidRecord:
    try:
        return EVENTS.decode(record.value, record.key, now)
    except InvalidRecord as error:
        return error
