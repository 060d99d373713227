"""The users of a partition who were erased, and the events of theirs that came too late to count.

A marker stays where the profile was: until when the user was erased. What the user did up to then never counts
again, whoever publishes it once more, and newer events begin a new profile. A marker names nobody, but who
knows a user's id can tell whether it is there.
"""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Final

from stream.arrivals import Released

__all__ = ["MARKER", "Forgotten", "marker_of", "user_digest"]

# How the names of markers begin in a partition's store and changelog.
MARKER: Final = b"f"
# Two of 10^12 erased users share a digest with a chance of 10^-15.
_DIGEST_BYTES: Final = 16


def user_digest(user: str) -> bytes:
    """Return what a marker calls a user, 16 bytes.

    Examples
    --------
    >>> user_digest("ann").hex()
    'd8963d899008cf8c05369be7b9042715'
    """
    return blake2b(user.encode(), digest_size=_DIGEST_BYTES).digest()


def marker_of(user: str, until: int) -> tuple[bytes, bytes]:
    """Return name and value of the marker of a user who was erased; ``until`` as `Forgotten.until` has it."""
    return MARKER + user_digest(user), str(until).encode()


class Forgotten:
    """Until when users of a partition were erased.

    Parameters
    ----------
    markers
        Decimal milliseconds since the Unix epoch, by user digest.

    Examples
    --------
    >>> name, value = marker_of("ann", 1000)
    >>> forgotten = Forgotten({name.removeprefix(MARKER): value})
    >>> forgotten.until("ann"), forgotten.until("bob")
    (1000, 0)
    """

    def __init__(self, markers: Mapping[bytes, bytes]) -> None:
        self._until = {digest: int(raw) for digest, raw in markers.items()}

    def until(self, user: str) -> int:
        """Return the time of a user's newest event that no longer counts, in milliseconds; 0 for none."""
        return self._until.get(user_digest(user), 0) if self._until else 0

    def has(self, name: bytes, value: bytes | None) -> bool:
        """Return whether a marker is here, by its name and value in the changelog."""
        return value is not None and self._until.get(name.removeprefix(MARKER)) == int(value)

    def sift(self, arrived: Released) -> Released:
        """Return the arrivals with the events that no longer count among ``forgotten``."""
        if not self._until:
            return arrived
        late = [place for place in arrived.places if place.told.ts <= self.until(place.told.user_id)]
        return arrived.without(late) if late else arrived
