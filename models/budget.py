"""How much of a model goes out at once: as many rows as a number of bytes allows."""

from typing import NamedTuple

import numpy as np

from models.batch import Longs
from models.names import Names
from models.row_records import KEY_BYTES

__all__ = ["Budget"]


class Budget(NamedTuple):
    """Bytes that the records of a publication's rows may have, their keys and values.

    Examples
    --------
    >>> names = Names()
    >>> names.learn([1, 2, 3], ["hat", "shoes", "tie"])
    >>> budget = Budget(60, row=26, names=names)
    >>> budget.fits(np.array([3, 2, 1]), removed=0), budget.fits(np.array([3, 2, 1]), removed=1)
    (2, 1)
    """

    bytes: int
    row: int  # bytes of a row's record, but for the item's id
    names: Names  # have the ids

    def fits(self, keys: Longs, removed: int) -> int:
        """Return how many of the rows, from the first on, may go out: at least one of them.

        Before them ``removed`` other rows are said to be gone, which is never put off.
        """
        left = self.bytes - removed * KEY_BYTES
        first = keys[: max(1, left // self.row)].tolist()
        sizes = np.array([self.row + len(name.encode()) for name in self.names.of(first)], np.int64)
        fitting = int(np.searchsorted(np.cumsum(sizes), left, side="right"))
        return min(len(keys), max(1, fitting))
