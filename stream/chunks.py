"""Chunks of a partition, and the ledger that says how much of them may be committed.

A chunk is what one fetch brought of one partition, up to `MAX_CHUNK_RECORDS` records: Faust delivers
it as one message, since its cost is by the message (75 to 100 µs) and not by the record.
"""

import itertools
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from faust.types import TP

__all__ = ["MAX_CHUNK_RECORDS", "Chunk", "Ledger", "RawRecord", "split"]

# The cost of a message fades at some hundred records; beyond that a chunk only adds latency.
MAX_CHUNK_RECORDS: Final = 1_000


class RawRecord(Protocol):
    """A record as aiokafka fetches it (its ``ConsumerRecord``, which is untyped)."""

    @property
    def offset(self) -> int:
        """The place in the partition's log."""
        ...

    @property
    def timestamp(self) -> int:
        """The record's time in milliseconds since the Unix epoch."""
        ...

    @property
    def key(self) -> bytes | None:
        """The raw key."""
        ...

    @property
    def value(self) -> bytes | None:
        """The raw value; None is a tombstone."""
        ...

    @property
    def headers(self) -> Sequence[tuple[str, bytes]]:
        """Names and raw values."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """Records of one partition that follow one another in its log, as the agent receives them.

    Offsets rise from record to record and may leave holes.

    Parameters
    ----------
    tp
        The topic and partition.
    records
        At least one.
    epoch
        Which reading of the partition this belongs to; a seek or a revocation ends it.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> chunk = Ledger().take(TP("clicks", 0), [SimpleNamespace(offset=7), SimpleNamespace(offset=8)])
    >>> len(chunk), chunk.first_offset, chunk.last_offset, chunk.next_offset
    (2, 7, 8, 9)
    """

    tp: TP
    records: Sequence[RawRecord]
    epoch: int

    @property
    def first_offset(self) -> int:
        """The offset of the first record."""
        return self.records[0].offset

    @property
    def last_offset(self) -> int:
        """The offset of the last record."""
        return self.records[-1].offset

    @property
    def next_offset(self) -> int:
        """The offset after the last record: where to read on once the chunk is handled."""
        return self.records[-1].offset + 1

    def __len__(self) -> int:
        return len(self.records)

    def __repr__(self) -> str:
        return f"<Chunk {self.tp.topic}-{self.tp.partition} [{self.first_offset}, {self.next_offset})>"


@dataclass(slots=True)
class _Reading:
    """One partition from a seek to the next: its chunks in flight, in the order of the log."""

    epoch: int
    committable: int | None
    order: deque[tuple[int, int]] = field(default_factory=deque)  # (first offset, next offset)
    unacknowledged: set[int] = field(default_factory=set)  # first offsets


class Ledger:
    """Which chunks are in flight, and the offset up to which each partition is handled without a gap.

    It is used from the event loop's thread alone.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> ledger, tp = Ledger(), TP("clicks", 0)
    >>> first, second = (ledger.take(tp, [SimpleNamespace(offset=offset)]) for offset in (1, 2))
    >>> ledger.acknowledge(second), ledger.committable(tp)
    (True, None)
    >>> ledger.acknowledge(first), ledger.committable(tp)
    (True, 3)
    """

    def __init__(self) -> None:
        self._readings: dict[TP, _Reading] = {}
        self._epochs = itertools.count(1)

    def __iter__(self) -> Iterator[TP]:
        return iter(self._readings)

    def start(self, tp: TP, committable: int | None) -> None:
        """Begin a new reading of ``tp``, which forgets its chunks in flight.

        ``committable`` is an offset below which all is handled already, None where that is not known.
        """
        self._readings[tp] = _Reading(next(self._epochs), committable)

    def forget(self, tps: Iterable[TP]) -> None:
        """Drop the partitions; acknowledging one of their chunks later does nothing."""
        for tp in tps:
            self._readings.pop(tp, None)

    def take(self, tp: TP, records: Sequence[RawRecord]) -> Chunk:
        """Return ``records`` as the partition's next chunk, in flight from now on."""
        if tp not in self._readings:
            self.start(tp, None)
        reading = self._readings[tp]
        chunk = Chunk(tp, records, reading.epoch)
        reading.order.append((chunk.first_offset, chunk.next_offset))
        reading.unacknowledged.add(chunk.first_offset)
        return chunk

    def acknowledge(self, chunk: Chunk) -> bool:
        """Mark the chunk as handled; return False if it was handled or forgotten before."""
        reading = self._readings.get(chunk.tp)
        if reading is None or reading.epoch != chunk.epoch:
            return False
        if chunk.first_offset not in reading.unacknowledged:
            return False
        reading.unacknowledged.remove(chunk.first_offset)
        while reading.order and reading.order[0][0] not in reading.unacknowledged:
            reading.committable = reading.order.popleft()[1]
        return True

    def committable(self, tp: TP) -> int | None:
        """Return the offset after the last chunk that is handled with all before it."""
        reading = self._readings.get(tp)
        return None if reading is None else reading.committable

    def is_current(self, chunk: Chunk) -> bool:
        """Say whether the chunk is of the reading that goes on: no seek or revocation has come since."""
        reading = self._readings.get(chunk.tp)
        return reading is not None and reading.epoch == chunk.epoch

    def taken(self, tp: TP) -> int | None:
        """Return the offset after the last chunk in flight, None where none is."""
        reading = self._readings.get(tp)
        return reading.order[-1][1] if reading is not None and reading.order else None

    def unhandled(self, tp: TP) -> int:
        """Return how many offsets lie between the first chunk in flight and the end of the last."""
        reading = self._readings.get(tp)
        return reading.order[-1][1] - reading.order[0][0] if reading is not None and reading.order else 0

    def in_flight(self, tp: TP) -> int:
        """Return how many chunks were delivered and not acknowledged yet."""
        reading = self._readings.get(tp)
        return 0 if reading is None else len(reading.unacknowledged)


def split(records: Sequence[RawRecord], size: int = MAX_CHUNK_RECORDS) -> Iterator[Sequence[RawRecord]]:
    """Cut ``records`` into runs of at most ``size``, in order."""
    for start in range(0, len(records), size):
        yield records[start : start + size]
