"""How far a partition's local copy and its changelog agree."""

from collections.abc import Iterable
from typing import Final

import msgspec
from msgspec.structs import replace

from stream.changelog import WriterEpoch
from stream.publisher import OffsetRange

__all__ = ["NOBODY", "ChangelogPosition"]

NOBODY: Final = WriterEpoch(b"", 0)


class ChangelogPosition(msgspec.Struct, frozen=True, array_like=True):
    """What a store knows of a partition of the changelog.

    Parameters
    ----------
    log
        The identity of the topic, empty before the first takeover.
    offset
        What counts below this offset is in the local copy.
    epoch
        The newest epoch below it.
    claim
        The epoch in which this store publishes, since it last took over the partition.
    has_diverged
        Whether records of others lie, unread, among those that this store wrote from ``offset`` on.

    Examples
    --------
    >>> position = ChangelogPosition("log", 10, WriterEpoch(b"bob", 1), claim=WriterEpoch(b"ann", 2))
    >>> later = position.confirmed([OffsetRange(10, 15), OffsetRange(15, 17)])
    >>> later.offset, later.epoch.writer
    (17, b'ann')
    >>> position.confirmed([OffsetRange(11, 15)]).has_diverged
    True
    """

    log: str = ""
    offset: int = 0
    epoch: WriterEpoch = NOBODY
    claim: WriterEpoch = NOBODY
    has_diverged: bool = False

    def confirmed(self, ranges: Iterable[OffsetRange]) -> "ChangelogPosition":
        """Return how it stands once the broker has put this store's records into these ranges."""
        offset, epoch = self.offset, self.epoch
        for start, stop in ranges:
            if self.has_diverged or start != offset:
                return replace(self, has_diverged=True)
            offset, epoch = stop, self.claim
        return replace(self, offset=offset, epoch=epoch)
