"""Rows that wait to be published: the new ones first, then those that have changed most."""

from typing import Final

import torch
from torch import Tensor

from models.budget import Budget
from models.table import Changes, Table

__all__ = ["AtOnce", "Waiting"]

_NEVER: Final = -1  # in place of a version: the row does not wait
# What every so-many-th row is that goes out: the one that has waited longest.
_OLDEST_EVERY: Final = 8
_TINY: Final = 1e-12  # keeps 0/0 apart


class AtOnce:
    """Nothing waits, for there is no budget: what `Waiting` is for, without its memory.

    Parameters
    ----------
    table
        Whose changes are published.
    """

    def __init__(self, table: Table) -> None:
        self._table = table

    def __len__(self) -> int:
        return 0

    def take(self, budget: Budget | None) -> Changes:
        """Return all that has changed."""
        if budget is not None:
            raise ValueError(f"nothing can be left to wait here: {budget}")
        return self._table.take_changes()

    def note_published(self, rows: Tensor, version: int) -> None:
        """Do nothing: what was published makes no difference."""

    @property
    def complete(self) -> int:
        """The version as of which nothing waits: the newest."""
        return self._table.version


class Waiting:
    """What has changed in a table and is not published yet, where a publication holds only so much.

    Rows go out by how far their vectors have moved since they were last published, as a share of their
    length; those that nobody has heard of before all others. Every eighth is the one that has waited longest,
    so that none waits for ever: with n rows waiting, and m published at once, for 8 n / m times at most.

    It holds each row's vector as last published: as much memory as the vectors themselves.

    Parameters
    ----------
    table
        Has a column of vectors, ``weight``.

    Examples
    --------
    >>> from models.names import Names
    >>> from models.table import Column
    >>> table, names = Table({"weight": Column((2,))}, 10, torch.device("cpu"), seed=0), Names()
    >>> waiting = Waiting(table)
    >>> names.learn([7, 9], ["hat", "shoes"])
    >>> _ = table.admit(torch.tensor([7, 9]))
    >>> waiting.take(Budget(30, row=20, names=names)).rows.tolist(), len(waiting)
    ([1], 1)
    >>> waiting.take(budget=None).rows.tolist(), len(waiting)
    ([2], 0)
    """

    def __init__(self, table: Table) -> None:
        self._table = table
        self._published = table.version  # at the last call of `take` or `note_published`
        self._key = torch.empty(0, dtype=torch.int64, device=table.device)  # as last published, int64[R]
        self._vector = torch.empty_like(table["weight"][:0])  # as last published, float32[R, D]
        self._since = self._key.clone()  # version as of which what was published is whole, int64[R]
        self._rows = self._key.clone()  # that wait, int64[n]

    def __len__(self) -> int:
        return len(self._rows)

    def take(self, budget: Budget | None) -> Changes:
        """Return what to publish now of what waits and what has changed; all of it, without a budget."""
        changes = self._table.take_changes()
        self._add(changes.rows)
        rows = self._ranked()
        if budget is not None and len(rows):
            keys = self._table["key"][rows].cpu().numpy()
            rows = rows[: budget.fits(keys, len(changes.removed))]
        self.note_published(rows, self._table.version)
        return Changes(rows, changes.removed)

    def note_published(self, rows: Tensor, version: int) -> None:
        """Note that ``rows`` (int64[n]) are published as they are now, as of ``version``."""
        self._grow()
        self._published = max(self._published, version)
        self._key[rows] = self._table["key"][rows]
        self._vector[rows] = self._table["weight"][rows]
        self._since[rows] = _NEVER
        self._rows = self._rows[self._since[self._rows] != _NEVER]

    @property
    def complete(self) -> int:
        """The version as of which nothing waits."""
        return int(self._since[self._rows].min()) if len(self) else self._table.version

    def _add(self, rows: Tensor) -> None:
        """Let rows wait that have changed since the last call."""
        self._grow()
        self._since[rows] = torch.where(self._since[rows] == _NEVER, self._published, self._since[rows])
        waits = (self._since != _NEVER).nonzero().squeeze(1)
        here = self._table["key"][waits] != 0
        self._since[waits[~here]] = _NEVER  # evicted meanwhile
        self._rows = waits[here]

    def _ranked(self) -> Tensor:
        """Return the rows that wait, the most urgent first, int64[n]."""
        rows = self._rows
        known = self._vector[rows]  # float32[n, D]
        moved = (self._table["weight"][rows] - known).norm(dim=1) / (known.norm(dim=1) + _TINY)  # float32[n]
        moved[self._key[rows] != self._table["key"][rows]] = torch.inf
        # Every eighth slot is that of the oldest; the seven between go by distance.
        rank = _ranks(-moved)
        by_age, by_move = _OLDEST_EVERY * _ranks(self._since[rows]), rank + rank // (_OLDEST_EVERY - 1) + 1
        return rows[torch.minimum(by_age, by_move).argsort(stable=True)]

    def _grow(self) -> None:
        """Have room for every row that the table has handed out; twice what is needed."""
        missing = len(self._table["key"]) - len(self._key)
        if missing > 0:
            more = missing + len(self._table["key"])
            self._key = torch.cat([self._key, self._key.new_zeros(more)])
            self._since = torch.cat([self._since, self._since.new_full((more,), _NEVER)])
            self._vector = torch.cat([self._vector, self._vector.new_zeros((more, self._vector.shape[1]))])


def _ranks(column: Tensor) -> Tensor:
    """Return the rank of each in ascending order, from 0, int64[n]; of equals the first is before."""
    ranks = torch.empty(len(column), dtype=torch.int64, device=column.device)
    ranks[column.argsort(stable=True)] = torch.arange(len(column), device=column.device)
    return ranks
