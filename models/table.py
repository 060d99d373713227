"""A collisionless table: named columns of state, one row a key, all in step with each other."""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from models.index import HashIndex
from models.scatter import scattered

__all__ = ["Changes", "Column", "Table"]

_START_ROWS = 1024
# Calls of `touch` after which what was touched is put together: else it would grow while nobody takes it.
_TOUCHES = 1_000
# What every row has besides the columns of those who learn.
_OWN = ("key", "version")


class Column(NamedTuple):
    """What a row keeps under one name: a tensor of ``shape``, and what it is made of at the start.

    ``spread`` is the standard deviation of the first values, which are uniform; 0 starts at zero.
    """

    shape: tuple[int, ...] = ()
    dtype: torch.dtype = torch.float32
    spread: float = 0.0


class Changes(NamedTuple):
    """What has changed in a table since somebody last asked."""

    rows: Tensor  # int64[n], distinct, each with a key
    removed: Tensor  # int64[m] keys that were evicted and have no row now


class Table:
    """A growing table from 64-bit keys to rows, the "collisionless embedding table" of Monolith.

    Row 0 stands for "no key" and stays zero, so that padding needs no special case. Memory grows by
    doubling; a freed row is zeroed, with all its state, before it is used again.
    (Liu et al., Monolith: Real Time Recommendation System With Collisionless Embedding Table, 2022.)

    A row knows in which step it last changed, for those who follow from afar: whoever changes the state of
    rows says so with `touch`.

    Parameters
    ----------
    columns
        What each row keeps, by name, besides its ``key`` and ``version``, int64 both.
    limit
        The most keys it holds; keys beyond get no row until others are evicted.
    device
        Where the columns live.
    seed
        Of first values: those of a row follow from seed and key alone, whenever it is made.

    Attributes
    ----------
    version
        Steps taken so far by those who learn; they count them here.

    Examples
    --------
    >>> table = Table({"count": Column()}, 100, torch.device("cpu"), seed=0)
    >>> table.admit(torch.tensor([7, 9, 7])).tolist()
    [1, 2, 1]
    >>> table.find(torch.tensor([9, 8])).tolist()
    [2, 0]
    """

    def __init__(self, columns: Mapping[str, Column], limit: int, device: torch.device, seed: int) -> None:
        self.limit = limit
        self.device = device
        self.version = 0
        self._columns = dict(columns) | {name: Column((), torch.int64) for name in _OWN}
        self._seed = seed
        self._state = {name: self._zeros(column, _START_ROWS) for name, column in self._columns.items()}
        self._index = HashIndex(_START_ROWS, device)
        self._used = 1  # rows handed out so far, row 0 among them
        self._free = torch.empty(0, dtype=torch.int64, device=device)
        self._touched: list[Tensor] = []
        self._removed: list[Tensor] = []

    def __len__(self) -> int:
        return self._used - 1 - len(self._free)

    def __getitem__(self, name: str) -> Tensor:
        """Return a column over all rows handed out so far, row 0 and freed ones included: a view."""
        return self._state[name][: self._used]

    def take(self, name: str, rows: Tensor) -> Tensor:
        """Return a column of rows (int64[...]), [..., *shape]: a copy, and on CPU quicker than indexing."""
        state = self._state[name]
        return state.index_select(0, rows.reshape(-1)).view(*rows.shape, *state.shape[1:])

    def find(self, keys: Tensor) -> Tensor:
        """Return the row of each key, shaped as ``keys`` (int64), 0 where there is none; changes nothing."""
        return self._index.find(keys.reshape(-1)).view_as(keys)

    def admit(self, keys: Tensor) -> Tensor:
        """Return the row of each key (int64[B]), made where it is new; 0 for key 0 and where it is full."""
        rows = self.find(keys)
        new = torch.unique(keys[(rows == 0) & (keys != 0)])[: self.limit - len(self)]  # int64[new]
        if not len(new):
            return rows
        self.touch(self._make(new))
        return self.find(keys)

    def touch(self, rows: Tensor) -> None:
        """Say that the state of ``rows`` (int64[B]) has changed in this step."""
        self._state["version"].index_fill_(0, rows, self.version)
        self._state["version"][0] = 0
        self._touched.append(rows)
        if len(self._touched) > _TOUCHES:
            self._touched = [torch.unique(torch.cat(self._touched))]

    def take_changes(self) -> Changes:
        """Return the rows that were touched, and the keys that were evicted, since the last call."""
        rows = torch.unique(torch.cat([self._free[:0], *self._touched]))
        removed = torch.unique(torch.cat([self._free[:0], *self._removed]))
        self._touched, self._removed = [], []
        return Changes(rows[self._state["key"][rows] != 0], removed[self.find(removed) == 0])

    def supersede(self, other: "Table") -> None:
        """Count all rows as changed in a step after the other's last, and its keys without one as evicted."""
        self.version = max(self.version, other.version) + 1
        self.touch(self.live)
        theirs = other["key"][other.live]
        self._removed.append(theirs[self.find(theirs) == 0])

    @property
    def live(self) -> Tensor:
        """The rows that have a key, int64[n]."""
        return self["key"].nonzero().squeeze(1)

    def read(self, rows: Tensor) -> dict[str, Tensor]:
        """Return all columns of ``rows`` (int64[n]) by name, [n, ...] each: a copy."""
        return {name: state[rows] for name, state in self._state.items()}

    def write(self, columns: Mapping[str, Tensor]) -> Tensor:
        """Write rows that another table has read, each unless its version is older; keys are distinct.

        Where the table is full they are passed over. They do not count as touched. Return the rows that were
        written, int64[n].
        """
        keys = columns["key"]
        self._make(keys[self.find(keys) == 0][: self.limit - len(self)])
        rows = self.find(keys)  # int64[n]
        newer = (rows != 0) & (columns["version"] >= self._state["version"][rows])
        for name, column in columns.items():
            self._state[name][rows[newer]] = column[newer].to(self.device)
        return rows[newer]

    def evict(self, rows: Tensor) -> None:
        """Free each of ``rows`` (int64[B], distinct) that has a key; all their state is cleared."""
        rows = rows[self._state["key"][rows] != 0]
        if not len(rows):
            return
        self._removed.append(self._state["key"][rows])
        self._index.remove(self._state["key"][rows])
        for state in self._state.values():
            state[rows] = 0
        self._free = torch.cat([self._free, rows])

    def _make(self, new: Tensor) -> Tensor:
        """Return rows for keys that have none, int64[new], with first values and version 0."""
        taken = self._take(len(new))
        self._state["key"][taken] = new
        for name, column in self._columns.items():
            if column.spread:
                self._state[name][taken] = column.spread * scattered(new, column.shape, self._seed)
        self._index.insert(new, taken)
        return taken

    def _take(self, count: int) -> Tensor:
        """Return ``count`` rows that nobody uses, int64[count]: freed ones first, then fresh ones."""
        reused, self._free = self._free[:count], self._free[count:]
        start, self._used = self._used, self._used + count - len(reused)
        self._reserve(self._used)
        return torch.cat([reused, torch.arange(start, self._used, device=self.device)])

    def _reserve(self, rows: int) -> None:
        capacity = len(self._state["key"])
        if rows <= capacity:
            return
        grown = 1 << (rows - 1).bit_length()
        for name, column in self._columns.items():
            self._state[name] = torch.cat([self._state[name], self._zeros(column, grown - capacity)])
        self._index = HashIndex(grown, self.device)
        live = self._state["key"].nonzero().squeeze(1)  # int64[live]
        self._index.insert(self._state["key"][live], live)

    def _zeros(self, column: Column, rows: int) -> Tensor:
        return torch.zeros((rows, *column.shape), dtype=column.dtype, device=self.device)
