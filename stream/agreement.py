"""How far a partition's local copy and its changelog agree."""

from collections.abc import Iterable
from typing import Final

import msgspec
from msgspec.structs import replace

from stream.changelog import Author
from stream.publisher import Stretch

__all__ = ["NOBODY", "Agreement"]

NOBODY: Final = Author(b"", 0)


class Agreement(msgspec.Struct, frozen=True, array_like=True):
    """What a store knows of a partition of the changelog.

    Parameters
    ----------
    log
        The identity of the topic, empty before the first takeover.
    offset
        What counts below this offset is in the local copy.
    author
        The newest author below it.
    claim
        The author as whom this store publishes since it took the partition over last.
    is_apart
        Whether records of others lie, unread, among those that this store wrote from ``offset`` on.

    Examples
    --------
    >>> agreed = Agreement("log", 10, Author(b"bob", 1), claim=Author(b"ann", 2))
    >>> later = agreed.confirmed([Stretch(10, 15), Stretch(15, 17)])
    >>> later.offset, later.author.writer
    (17, b'ann')
    >>> agreed.confirmed([Stretch(11, 15)]).is_apart
    True
    """

    log: str = ""
    offset: int = 0
    author: Author = NOBODY
    claim: Author = NOBODY
    is_apart: bool = False

    def confirmed(self, stretches: Iterable[Stretch]) -> "Agreement":
        """Return how it stands once the broker has put this store's records into these stretches."""
        offset, author = self.offset, self.author
        for start, stop in stretches:
            if self.is_apart or start != offset:
                return replace(self, is_apart=True)
            offset, author = stop, self.claim
        return replace(self, offset=offset, author=author)
