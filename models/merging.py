"""How a run of snapshots, each with what is new since the one before, comes to one."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from models.batch import Longs
from models.snapshot import Rows, Snapshot

__all__ = ["merged"]

Column = npt.NDArray[Any]


def merged(parts: Sequence[Snapshot]) -> Snapshot:
    """Return what a run of snapshots comes to: the newest row of each key.

    What a snapshot removes is removed before its rows are written. Rows come out in the order of their keys,
    and what was cut into more or fewer snapshots comes out the same. The arrays are new ones, whatever there
    was to merge.

    Parameters
    ----------
    parts
        At least one, the oldest first, with columns of the same names, dtypes and shapes, and all names.

    Examples
    --------
    >>> def of(version, keys, removed):
    ...     rows = Rows(np.array(keys), {"version": np.full(len(keys), version)})
    ...     return Snapshot(version, {}, rows, np.array(removed, int), ["hat"] * len(keys))
    >>> both = merged([of(1, [7, 9, 5], []), of(2, [9, 8], [7])])
    >>> both.rows.key.tolist(), both.rows.columns["version"].tolist()
    ([5, 8, 9], [1, 2, 2])
    >>> both.removed.tolist()
    [7]
    """
    picks, removed = _picks(parts)
    columns = {
        name: _gathered([part.rows.columns[name] for part in parts], picks) for name in parts[-1].rows.columns
    }
    return Snapshot(
        version=parts[-1].version,
        dense=parts[-1].dense,
        rows=Rows(_gathered([part.rows.key for part in parts], picks), columns),
        removed=removed,
        names=_names(parts, picks),
    )


class _Pick(NamedTuple):
    """Which rows of one part survive, and where they go."""

    place: Longs  # int64[kept], in the part
    slot: Longs  # int64[kept], in the outcome


def _gathered(columns: list[Column], picks: list[_Pick]) -> Column:
    """Return the survivors of a column, which is given by part."""
    count = sum(len(pick.slot) for pick in picks)
    kept = np.empty((count, *columns[-1].shape[1:]), columns[-1].dtype)
    for column, pick in zip(columns, picks, strict=True):
        kept[pick.slot] = column[pick.place]
    return kept


def _names(parts: Sequence[Snapshot], picks: list[_Pick]) -> list[str]:
    columns = [np.array(part.names, dtype=object) for part in parts]
    return list(_gathered(columns, picks))


def _picks(parts: Sequence[Snapshot]) -> tuple[list[_Pick], Longs]:
    """Return the survivors of each part, and the keys whose last word is that they were removed."""
    # The newest word on a key comes first; within a part its rows are newer than what it removed.
    newest_first = list(reversed(parts))
    named = [keys for part in newest_first for keys in (part.rows.key, part.removed)]
    key, first = np.unique(np.concatenate(named), return_index=True)  # int64[keys] both
    ends = np.cumsum([len(keys) for keys in named])
    # By the place of the newest word: an even number is a part's rows, an odd one what it removed.
    source = np.searchsorted(ends, first, side="right")  # int64[keys]
    slot = np.cumsum(source % 2 == 0) - 1  # int64[keys]
    starts = ends - [len(keys) for keys in named]
    picks = []
    for number in range(2 * len(parts) - 2, -1, -2):
        here = (source == number).nonzero()[0]
        picks.append(_Pick(first[here] - starts[number], slot[here]))
    return picks, key[source % 2 == 1]
