"""What is known of users: rows of columns that a batch of events changes in place."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from models.affinity import Affinity
from models.batch import Bools, Bytes, Longs
from models.layout import COLUMNS, GROUPS, HEAD_WORDS, SERVED, blank, pack, unpack

__all__ = ["SERVED_ITEMS", "Profiles"]

# The places of a served list that a profile remembers: what is scored (K of the contract's measures).
SERVED_ITEMS: Final = SERVED.capacity


class Profiles:
    """The profiles of U users, one row each; all attributes are views of ``words``.

    Attributes
    ----------
    events
        int64[U], events counted; ``latest`` and ``latest_when``, the newest item that counts (0: none) and
        its place in time; ``block_newest``, the newest time in ``recent``.
    item, when, action
        [U, 50], the actions with the newest times, newest first. ``when`` is ``2 * ts + is_order``: at
        the same millisecond orders come after browsing, and then what arrived later.
    line_item, line_ts, line_returned
        [U, 32], the newest order lines and whether they came back.
    categories, brands, bands
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
        self._counts: Bytes = self.words[:, :1].view(np.uint8)[:, 1:]  # uint8[U, groups]
        self.events, self.latest, self.latest_when, self.block_newest = self.words[:, 1:HEAD_WORDS].T
        self.item: Longs = self._column("item")
        self.when: Longs = self._column("when")
        self.action: Bytes = self._column("action")
        self.line_item: Longs = self._column("line_item")
        self.line_ts: Longs = self._column("line_ts")
        self.line_returned: Bytes = self._column("line_returned")
        self.categories, self.brands, self.bands = map(self._affinity, ("categories", "brands", "bands"))
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

    def count(self, name: str) -> Bytes:
        """Return uint8[U], a view: the used entries of the group of a column."""
        return self._counts[:, GROUPS.index(COLUMNS[name].group)]

    def serve(self, rows: Longs, items: Longs) -> None:
        """Remember the items served, int64[R, K] best first, 0 for none; of a repeated row the last."""
        kept = items[:, :SERVED_ITEMS]
        self.served[rows, : kept.shape[1]] = kept
        self.served[rows, kept.shape[1] :] = 0
        self.count("served")[rows] = SERVED_ITEMS
        self.touched[rows] = True

    def _column(self, name: str) -> npt.NDArray[Any]:
        column = COLUMNS[name]
        numbers = self.words[:, column.start : column.stop].view(column.dtype)
        return numbers[:, : column.group.capacity * column.values]

    def _affinity(self, group: str) -> Affinity:
        sums = self._column(f"{group}_sums")
        key = self._column(f"{group}_key")
        return Affinity(
            filled=self.count(f"{group}_key"),
            key=key,
            ts=self._column(f"{group}_ts"),
            sums=sums.reshape(*key.shape, -1),
        )
