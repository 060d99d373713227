"""What is known of users: rows of columns that a batch of events changes in place."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from models.affinity import Affinity
from models.batch import Bools, Bytes, Longs
from models.layout import COLUMNS, GROUPS, HEAD_WORDS, KINDS, SERVED, Group, blank, pack, unpack
from models.timeline import Timeline

__all__ = ["SERVED_ITEMS", "Profiles"]

# The places of a served list that a profile remembers: what is scored (K of the contract's measures).
SERVED_ITEMS: Final = SERVED.capacity


class Profiles:
    """The profiles of U users, one row each; all columns are views of ``words``.

    Attributes
    ----------
    events
        int64[U], events counted; ``latest`` and ``latest_stamp``, the newest item that counts (0: none) and
        its place in time; ``recent_newest``, the newest time in ``recent``.
    pseudonym
        int64[U], what the user is called in training examples (``models.pseudonym``); 0: no event yet.
    actions
        The newest 50 actions.
    lines
        The newest 32 order lines; the action of one that came back is a refund.
    affinity
        Decayed sums by category, brand and price band.
    served
        int64[U, 20], the last recommendation; 0 where it was shorter.
    recent
        int64[U, 63], keys of the events since the last full block, as they arrived.
    blocks
        By row: older event keys (``models.seen``); ``new_blocks``: rows where they have changed.
    touched
        bool[U], rows that have changed.

    Examples
    --------
    >>> profiles = Profiles(["ann", "bob"])
    >>> profiles.serve(np.array([1]), np.array([[7, 8, 9]]))
    >>> again = Profiles.from_rows(["bob"], profiles.to_rows(np.array([1])))
    >>> again.served[0, :4].tolist()
    [7, 8, 9, 0]
    """

    def __init__(self, users: list[str], words: Longs | None = None) -> None:
        self.users = users
        self.row_of = {user: row for row, user in enumerate(users)}
        self.words = blank(len(users)) if words is None else words
        self.events, self.latest, self.latest_stamp = self.words[:, 1:4].T
        self.recent_newest, self.pseudonym = self.words[:, 4:HEAD_WORDS].T
        self.actions = self._timeline("item", "stamp")
        self.lines = self._timeline("line_item", "line_stamp")
        self.affinity = self._affinity()
        self.served: Longs = self._column("served")
        self.recent: Longs = self._column("recent")
        self.blocks: dict[int, Longs] = {}
        self.new_blocks: set[int] = set()
        self.touched: Bools = np.zeros(len(users), dtype=np.bool_)

    @classmethod
    def from_rows(cls, users: list[str], rows: list[bytes]) -> "Profiles":
        """Return the profiles that `to_rows` wrote, without their blocks.

        Raises
        ------
        UnreadableProfile
            If a row is of another format or damaged.
        """
        return cls(users, unpack(rows))

    def to_rows(self, rows: Longs | slice) -> list[bytes]:
        """Return one compact value for each of the rows."""
        return pack(self.words[rows])

    def filled(self, *groups: Group) -> Bytes:
        """Return uint8[U, groups], a view: the used entries of adjacent groups of columns."""
        first = GROUPS.index(groups[0])
        counts = self.words[:, :1].view(np.uint8)[:, 1:]
        return counts[:, first : first + len(groups)]

    def serve(self, rows: Longs, items: Longs) -> None:
        """Remember the items served, int64[R, K] best first, 0 for none; of a repeated row the last."""
        kept = items[:, :SERVED_ITEMS]
        self.served[rows, : kept.shape[1]] = kept
        self.served[rows, kept.shape[1] :] = 0
        self.filled(SERVED)[rows] = SERVED_ITEMS
        self.touched[rows] = True

    def _column(self, name: str) -> npt.NDArray[Any]:
        """Return a column, [U, capacity]."""
        column = COLUMNS[name]
        return self.words[:, column.start : column.stop].view(column.dtype)[:, : column.group.capacity]

    def _timeline(self, item: str, stamp: str) -> Timeline:
        first, last = COLUMNS[item], COLUMNS[stamp]
        entries = self.words[:, first.start : last.stop]  # int64[U, 2 n]
        return Timeline(self.filled(first.group)[:, 0], entries.reshape(-1, 2, first.group.capacity))

    def _affinity(self) -> Affinity:
        first, last, n = COLUMNS["category_key"], COLUMNS["band_sums"], KINDS[0].capacity
        # int64[U, 3 kinds * words] -> int64[U, 3, words]
        shape = (len(self.users), len(KINDS), (last.stop - first.start) // len(KINDS))
        words = self.words[:, first.start : last.stop].reshape(shape)
        sums = words[:, :, 2 * n :].view(np.float32)  # float32[U, 3, n * 3]
        return Affinity(
            filled=self.filled(*KINDS),
            key=words[:, :, :n],
            ts=words[:, :, n : 2 * n],
            sums=sums.reshape(*shape[:2], n, last.values),
        )
