"""What a model knows at one moment, or what it has learnt since another: on the host, to be kept and sent."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy.typing as npt

from models.batch import Longs

__all__ = ["Rows", "Snapshot"]


class Rows(NamedTuple):
    """Rows of a `models.table.Table`: n keys, int64[n], distinct, and the columns by name, [n, ...] each."""

    key: Longs
    columns: Mapping[str, npt.NDArray[Any]]


class Snapshot(NamedTuple):
    """State of one moment.

    ``dense`` is what is no row, of types that msgpack has. A whole snapshot has all rows; a part of one has
    those that are new since the part before it. No examples are in it: what is to be erased with a user
    stands in the examples topic alone.
    """

    version: int  # steps taken
    dense: dict[str, Any]
    rows: Rows
    removed: Longs  # int64[m] keys that have no row any more
    names: list[str]  # item ids of the rows, n of them, or none where they are not known here
