"""A user's newest entries in event time: items and stamps, newest first."""

from typing import Final, NamedTuple

import numpy as np

from models.batch import IS_ORDER, Bytes, Longs

__all__ = ["Timeline", "action_of", "as_of", "stamps", "time_of"]

# A stamp is, from the low bits: the action's code, whether it is an order, the time.
_CODE_BITS: Final = 4
_CODE_MASK: Final = (1 << _CODE_BITS) - 1
_TIME_SHIFT: Final = _CODE_BITS + 1


def stamps(ts: Longs, action: Bytes) -> Longs:
    """Return the place of each event among the others: by time, and orders after browsing; with its code.

    Examples
    --------
    >>> stamp = stamps(np.array([1000]), np.array([8], dtype=np.uint8))
    >>> time_of(stamp).tolist(), action_of(stamp).tolist()
    ([1000], [8])
    """
    order = IS_ORDER[action].astype(np.int64)
    return (ts << _TIME_SHIFT) | (order << _CODE_BITS) | action


def as_of(stamp: Longs) -> Longs:
    """Return stamps that are not before any other of the same time and side, whatever its action."""
    return stamp | _CODE_MASK


def time_of(stamp: Longs) -> Longs:
    """Return the times in milliseconds since the Unix epoch, int64 of the same shape."""
    return stamp >> _TIME_SHIFT


def action_of(stamp: Longs) -> Bytes:
    """Return the action codes, uint8 of the same shape."""
    return (stamp & _CODE_MASK).astype(np.uint8)


class Timeline(NamedTuple):
    """The last n entries of U users; those not in use are 0 and come last."""

    filled: Bytes  # uint8[U], entries in use
    entries: Longs  # int64[U, 2, n], items and stamps

    @property
    def item(self) -> Longs:
        """int64[U, n], newest first."""
        return self.entries[:, 0]

    @property
    def stamp(self) -> Longs:
        """int64[U, n], newest first."""
        return self.entries[:, 1]

    def insert(self, row: Longs, item: Longs, stamp: Longs) -> None:
        """Put one entry into each of R different rows, where it belongs in time, after its equals."""
        self.filled[row] = np.minimum(self.filled[row] + 1, self.entries.shape[-1])
        entries = self.entries[:, :, : self.filled[row].max(initial=1)]
        old = entries[row]  # int64[R, 2, used]
        place = (old[:, 1] > as_of(stamp)[:, np.newaxis]).sum(axis=1)
        entries[:, :, 1:][row] = old[:, :, :-1]
        entries[row, 0, 0], entries[row, 1, 0] = item, stamp
        late = place.nonzero()[0]
        if len(late):
            entries[row[late]] = _inserted(old[late], entries[row[late]], place[late])


def _inserted(old: Longs, moved: Longs, place: Longs) -> Longs:
    """Return int64[R, 2, n]: the old entries before the place, the new one there, and the rest moved on.

    ``moved`` has the new one first and all others moved on.
    """
    j, at = np.arange(old.shape[-1]), place[:, np.newaxis, np.newaxis]
    return np.where(j < at, old, np.where(j == at, moved[:, :, :1], moved))
