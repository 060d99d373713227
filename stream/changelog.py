"""How commits lie in the profiles' changelog, who wrote them, and which records of it count.

A commit is a run of records that ends with a mark; each record's header names its writer. What lies between
two marks, but was never marked itself, is the rest of a worker that died while it wrote: it does not count.
Nor does what a worker wrote after its partition had gone to another, of a higher epoch.

Compaction keeps the newest record of a name, whether it counts or not. So who takes over a partition writes
its own values of those names again with its first commit (`CommitReader.spoilt`), and that is why the records
of a lower epoch that wait for a mark count once the first mark of a higher one comes: what did not count
among them has been written again by then, and a mark of a lower epoch may have gone in compaction.
"""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from stream.chunks import RawRecord
from stream.publisher import Outgoing

__all__ = ["CommitReader", "Step", "WriterEpoch", "names_of_others", "outgoing"]

_HEADER: Final = "w"
_MARK: Final = b"w"
_EPOCH_BYTES: Final = 4


class WriterEpoch(NamedTuple):
    """Who writes to a partition of the changelog: a store, since its takeover ``number``.

    Examples
    --------
    >>> ann, bob = WriterEpoch(b"ann's id", 4), WriterEpoch(b"bob's id", 5)
    >>> WriterEpoch.from_bytes(ann.to_bytes()) == ann
    True
    >>> ann.yields_to(bob), bob.yields_to(ann), ann.yields_to(ann)
    (True, False, False)
    """

    writer: bytes
    number: int

    def to_bytes(self) -> bytes:
        """Return the form in which each record names it."""
        return self.number.to_bytes(_EPOCH_BYTES, "big") + self.writer

    @staticmethod
    def from_bytes(raw: bytes) -> "WriterEpoch":
        """Return what `to_bytes` wrote."""
        return WriterEpoch(raw[_EPOCH_BYTES:], int.from_bytes(raw[:_EPOCH_BYTES], "big"))

    def yields_to(self, other: "WriterEpoch") -> bool:
        """Return whether what ``other`` writes counts from its first record on, and this one's no longer."""
        return other.number > self.number


class Step(NamedTuple):
    """A commit as the log has it: the new values by name, and the offset after its mark."""

    epoch: WriterEpoch
    changes: dict[bytes, bytes | None]
    next_offset: int


class CommitReader:
    """Puts the records of a partition of the changelog together into the commits that count.

    Parameters
    ----------
    newest
        The highest epoch that is known from before the first record.

    Attributes
    ----------
    spoilt
        Names whose newest record does not count; with `unfinished` what a new owner writes again.

    Examples
    --------
    >>> ann, log = WriterEpoch(b"ann's id", 1), CommitReader(WriterEpoch(b"", 0))
    >>> class Read(NamedTuple):
    ...     offset: int
    ...     key: bytes | None
    ...     value: bytes | None
    ...     headers: tuple[tuple[str, bytes], ...]
    >>> written = [*outgoing(ann, {b"nclicks": b"7"}), *outgoing(ann, {b"nclicks": b"8"})[:1]]
    >>> records = [Read(at, r.key, r.value, r.headers) for at, r in enumerate(written)]
    >>> [(step.changes, step.next_offset) for step in log.add(records)], log.unfinished
    ([({b'nclicks': b'7'}, 2)], {b'nclicks'})
    """

    def __init__(self, newest: WriterEpoch) -> None:
        self.newest = newest
        self.spoilt: set[bytes] = set()
        self._waiting: dict[bytes, bytes | None] = {}

    @property
    def unfinished(self) -> set[bytes]:
        """The names of records that wait for their commit's mark."""
        return set(self._waiting)

    def add(self, records: Iterable[RawRecord]) -> list[Step]:
        """Return the commits that end within the records, which are the next ones of the log."""
        steps = []
        for record in records:
            epoch, name = _epoch_of(record), record.key or b""
            if epoch is None or not self._counts(epoch):
                if not name.startswith(_MARK):
                    self.spoilt.add(name)
            elif name.startswith(_MARK):
                steps.append(Step(epoch, self._waiting, record.offset + 1))
                self.spoilt -= self._waiting.keys()
                self._waiting = {}
            else:
                self._waiting[name] = record.value
        return steps

    def _counts(self, epoch: WriterEpoch) -> bool:
        if self.newest.yields_to(epoch):
            self.newest = epoch
        return epoch == self.newest


def outgoing(epoch: WriterEpoch, changes: Mapping[bytes, bytes | None]) -> list[Outgoing]:
    """Return the records of a commit, its mark last."""
    named = epoch.to_bytes()
    headers = ((_HEADER, named),)
    records = [Outgoing(name, value, None, headers) for name, value in changes.items()]
    return [*records, Outgoing(_MARK + named, b"", None, headers)]


def names_of_others(epoch: WriterEpoch, records: Iterable[RawRecord]) -> set[bytes]:
    """Return the names in records that are not this epoch's, marks left out."""
    others = {record.key or b"" for record in records if _epoch_of(record) != epoch}
    return {name for name in others if not name.startswith(_MARK)}


def _epoch_of(record: RawRecord) -> WriterEpoch | None:
    named = [value for name, value in record.headers if name == _HEADER]
    return WriterEpoch.from_bytes(named[0]) if named else None
