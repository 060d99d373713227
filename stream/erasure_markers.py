"""The users of a partition who were erased, and the events of theirs that came too late to count.

A marker stays where the profile was: until when the user was erased. What the user did up to then never
counts again, whoever publishes it once more, and newer events begin a new profile. A marker names nobody, but
who knows a user's id can tell whether it is there.
"""

from collections.abc import Iterable
from hashlib import blake2b
from typing import Final, NamedTuple

from stream.arrivals import Released
from stream.storage import Changes
from stream.store_keys import MARKER

__all__ = ["NEVER", "Erased", "ErasureMarkers", "has_markers", "marker_of", "user_digest"]

# Two of 10^12 erased users share a digest with a chance of 10^-15.
_DIGEST_BYTES: Final = 16


class Erased(NamedTuple):
    """Up to when a user was erased; both in milliseconds since the Unix epoch.

    ``until`` is the time of the newest event that no longer counts, ``asked`` the newest time that was asked
    for. The first is later where the profile held events beyond the second: their clocks were ahead, or they
    came while the request was on its way.

    Examples
    --------
    >>> Erased.from_bytes(Erased(until=1000, asked=900).to_bytes())
    Erased(until=1000, asked=900)
    """

    until: int
    asked: int

    def to_bytes(self) -> bytes:
        """Return the value of a marker."""
        return b"%d %d" % self

    @staticmethod
    def from_bytes(raw: bytes) -> "Erased":
        """Return what `to_bytes` wrote."""
        until, asked = raw.split()
        return Erased(int(until), int(asked))


NEVER: Final = Erased(0, 0)


def user_digest(user: str) -> bytes:
    """Return what a marker calls a user, 16 bytes.

    Examples
    --------
    >>> user_digest("ann").hex()
    'd8963d899008cf8c05369be7b9042715'
    """
    return blake2b(user.encode(), digest_size=_DIGEST_BYTES).digest()


def marker_of(user: str, erased: Erased) -> tuple[bytes, bytes]:
    """Return name and value of the marker of a user."""
    return MARKER + user_digest(user), erased.to_bytes()


def has_markers(changes: Changes) -> bool:
    """Return whether there are markers among new values by name."""
    return any(name.startswith(MARKER) for name in changes)


class ErasureMarkers:
    """Up to when users of a partition were erased.

    Parameters
    ----------
    markers
        Digest and value of each.

    Examples
    --------
    >>> markers = ErasureMarkers([])
    >>> markers.enter(dict([marker_of("ann", Erased(1000, 900))]))
    >>> markers.of("ann").until, markers.of("bob") == NEVER
    (1000, True)
    """

    def __init__(self, markers: Iterable[tuple[bytes, bytes]]) -> None:
        self._erased = {digest: Erased.from_bytes(raw) for digest, raw in markers}

    def enter(self, changes: Changes) -> None:
        """Take in the markers among new values by name."""
        self._erased |= _markers(changes)

    def of(self, user: str) -> Erased:
        """Return up to when a user was erased, or `NEVER`."""
        return self._erased.get(user_digest(user), NEVER) if self._erased else NEVER

    def has_all_of(self, changes: Changes) -> bool:
        """Return whether all markers among new values by name are known."""
        return _markers(changes).items() <= self._erased.items()

    def sift(self, arrived: Released) -> Released:
        """Return the arrivals with the events that no longer count among ``erased``."""
        if not self._erased:
            return arrived
        late = [place for place in arrived.places if place.event.ts <= self.of(place.event.user_id).until]
        return arrived.without(late) if late else arrived


def _markers(changes: Changes) -> dict[bytes, Erased]:
    """Return the markers among new values by name, by the digests of their users."""
    markers = ((name, raw) for name, raw in changes.items() if name.startswith(MARKER) and raw is not None)
    return {name.removeprefix(MARKER): Erased.from_bytes(raw) for name, raw in markers}
