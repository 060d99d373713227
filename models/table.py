"""A collisionless table: named columns of state, one row a key, all in step with each other."""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from models.index import HashIndex

__all__ = ["Column", "Table"]

_START_ROWS = 1024


class Column(NamedTuple):
    """What a row keeps under one name: a tensor of ``shape``, and what it is made of at the start.

    ``spread`` is the standard deviation of the first values; 0 starts at zero.
    """

    shape: tuple[int, ...] = ()
    dtype: torch.dtype = torch.float32
    spread: float = 0.0


class Table:
    """A growing table from 64-bit keys to rows, the "collisionless embedding table" of Monolith.

    Row 0 stands for "no key" and stays zero, so that padding needs no special case. Memory grows by
    doubling; a freed row is zeroed, with all its state, before it is used again.
    (Liu et al., Monolith: Real Time Recommendation System With Collisionless Embedding Table, 2022.)

    Parameters
    ----------
    columns
        What each row keeps, by name.
    limit
        The most keys it holds; keys beyond get no row until others are evicted.
    device
        Where the columns live.
    generator
        Draws the first values of columns with a spread.

    Examples
    --------
    >>> table = Table({"count": Column()}, 100, torch.device("cpu"), torch.Generator())
    >>> table.admit(torch.tensor([7, 9, 7])).tolist()
    [1, 2, 1]
    >>> table.find(torch.tensor([9, 8])).tolist()
    [2, 0]
    """

    def __init__(
        self, columns: Mapping[str, Column], limit: int, device: torch.device, generator: torch.Generator
    ) -> None:
        self.limit = limit
        self.device = device
        self._columns = dict(columns) | {"key": Column((), torch.int64)}
        self._generator = generator
        self._state = {name: self._first(column, _START_ROWS) for name, column in self._columns.items()}
        for state in self._state.values():
            state[0] = 0
        self._index = HashIndex(_START_ROWS, device)
        self._used = 1  # rows handed out so far, row 0 among them
        self._free = torch.empty(0, dtype=torch.int64, device=device)

    def __len__(self) -> int:
        return self._used - 1 - len(self._free)

    def __getitem__(self, name: str) -> Tensor:
        """Return a column over all rows handed out so far, row 0 and freed ones included: a view."""
        return self._state[name][: self._used]

    def find(self, keys: Tensor) -> Tensor:
        """Return the row of each key, shaped as ``keys`` (int64), 0 where there is none; changes nothing."""
        return self._index.find(keys.reshape(-1)).view_as(keys)

    def admit(self, keys: Tensor) -> Tensor:
        """Return the row of each key (int64[B]), made where it is new; 0 for key 0 and where it is full."""
        rows = self.find(keys)
        new = torch.unique(keys[(rows == 0) & (keys != 0)])[: self.limit - len(self)]  # int64[new]
        if not len(new):
            return rows
        taken = self._take(len(new))
        self._state["key"][taken] = new
        self._index.insert(new, taken)
        return self.find(keys)

    def evict(self, rows: Tensor) -> None:
        """Free each of ``rows`` (int64[B], distinct) that has a key; all their state is cleared."""
        rows = rows[self._state["key"][rows] != 0]
        self._index.remove(self._state["key"][rows])
        for name, column in self._columns.items():
            self._state[name][rows] = self._first(column, len(rows))
        self._state["key"][rows] = 0
        self._free = torch.cat([self._free, rows])

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
            self._state[name] = torch.cat([self._state[name], self._first(column, grown - capacity)])
        self._index = HashIndex(grown, self.device)
        live = self._state["key"].nonzero().squeeze(1)  # int64[live]
        self._index.insert(self._state["key"][live], live)

    def _first(self, column: Column, rows: int) -> Tensor:
        shape = (rows, *column.shape)
        if not column.spread:
            return torch.zeros(shape, dtype=column.dtype, device=self.device)
        # Drawn on the host, so that cpu and cuda start from the same values.
        drawn = torch.randn(shape, generator=self._generator, dtype=column.dtype) * column.spread
        return drawn.to(self.device)
