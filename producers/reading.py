"""What a pass over a log has met so far, and how the events of a lap are named and dated."""

import os
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from producers.cells import id_of

__all__ = ["BadRow", "Lap", "Reading"]

# The first few show what is wrong with a log; all of them are counted.
_KEPT: Final = 20


class BadRow(NamedTuple):
    """A row that could not be used: its file, the line where it starts, from 1, and why."""

    file: str
    line: int
    reason: str


class Reading:
    """The tally of one pass: rows used, rows that were bad, how far the file is read.

    ``described`` are the ids of the items whose record was given.

    Examples
    --------
    >>> reading = Reading()
    >>> reading.reject(Path("logs/shop.csv"), 3, "no user")
    >>> reading.bad, reading.first_bad
    (1, [BadRow(file='shop.csv', line=3, reason='no user')])
    """

    def __init__(self, described: set[str] | None = None) -> None:
        self.described: set[str] = set() if described is None else described
        self.rows = 0
        self.bad = 0
        self.first_bad: list[BadRow] = []
        self._earliest = self._latest = 0
        self._file: BinaryIO | None = None
        self._size = 0
        self._start = self._end = 0

    def again(self) -> "Reading":
        """Return the tally of a further lap: from nothing, but for the items described."""
        return Reading(self.described)

    def watch(self, file: BinaryIO) -> None:
        """Take the position of ``file`` as how far the log is read."""
        self._file = file
        self._size = os.fstat(file.fileno()).st_size

    def expect(self, start: int, end: int) -> None:
        """Take the time of the latest event as how far it is read: from ``start`` to ``end``."""
        self._start, self._end = start, end

    def accept(self, ts: int) -> None:
        """Count a row that is an event of time ``ts``, milliseconds since the Unix epoch."""
        if not self.rows:
            self._earliest = self._latest = ts
        elif ts > self._latest:
            self._latest = ts
        elif ts < self._earliest:
            self._earliest = ts
        self.rows += 1

    def reject(self, path: Path, line: int, reason: str) -> None:
        """Count a bad row."""
        self.bad += 1
        if len(self.first_bad) < _KEPT:
            self.first_bad.append(BadRow(path.name, line, reason))

    @property
    def span(self) -> int:
        """From the earliest event to the latest, in milliseconds."""
        return self._latest - self._earliest

    @property
    def fraction(self) -> float:
        """How much is read of the file, or of the time expected, 0 to 1."""
        if self._end:
            return max(0.0, (self._latest - self._start) / (self._end - self._start))
        if self._file is None or not self._size:
            return 0.0
        return 1.0 if self._file.closed else self._file.tell() / self._size


class Lap(NamedTuple):
    """One round through a log: its number from 0, and by how many milliseconds its times are shifted.

    Examples
    --------
    >>> Lap("a1b2", "", 0, 0).event_id(7, "")
    'a1b2-0-000000007'
    >>> Lap("a1b2", "again", 2, 0).event_id(7, "order-9")
    'order-9-again-2'
    """

    fingerprint: str
    run: str
    number: int
    shift: int

    def following(self, span: int) -> "Lap":
        """Return the next lap of a log that spans ``span`` milliseconds."""
        return self._replace(number=self.number + 1, shift=self.shift + span)

    def event_id(self, line: int, own: str) -> str:
        """Return the id of the event whose row starts at ``line``; ``own`` is the log's own id or empty.

        The log's own ids stay as they are in a first lap without a run, so that its repeats are repeats.
        """
        if not own:
            run = f"{self.run}-" if self.run else ""
            return f"{run}{self.fingerprint}-{self.number}-{line:09d}"
        if self.run:
            return id_of("event_id", f"{own}-{self.run}-{self.number}")
        return id_of("event_id", f"{own}-{self.number}" if self.number else own)
