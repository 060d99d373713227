"""What a batch of events showed: each event between the user's history before it and after it."""

from typing import NamedTuple

from models.batch import Bools, Bytes, Longs
from models.timeline import action_of, time_of

__all__ = ["History", "Observations"]


class History(NamedTuple):
    """The last H actions of the users of M events, newest first, 0 where there are fewer.

    ``ts`` is milliseconds since the Unix epoch.
    """

    item: Longs  # int64[M, H]
    action: Bytes  # uint8[M, H]
    ts: Longs  # int64[M, H]

    @classmethod
    def of(cls, entries: Longs) -> "History":
        """Return the columns of int64[M, 2, H], entries of a timeline."""
        item, stamp = entries[:, 0], entries[:, 1]
        return cls(item, action_of(stamp), time_of(stamp))


class Observations(NamedTuple):
    """Columns of the M events of a batch that were no repeats, in the batch's order.

    ``latest`` is the user's latest item that counts before the event, 0 for none. ``scored`` is whether the
    recommendation before the event is scored against its item: the user has a latest item, the event's is
    another one, and it takes nothing back.
    """

    kept: Longs  # int64[M], index into the batch
    user_row: Longs  # int64[M], row of the profiles
    before: History
    after: History
    latest: Longs  # int64[M]
    previous: Longs  # int64[M], the user's event before it among these M; -1: it came in an earlier batch
    scored: Bools  # bool[M]
