"""What every scorer of the blend does: it names candidates, and says in columns what speaks for each."""

import math
from typing import ClassVar, Final, NamedTuple, Protocol

import torch
from torch import Tensor

from models.context import Context
from models.examples import Examples
from models.table import Table

__all__ = ["LATEST_ITEMS", "Known", "Proposal", "Scorer", "Shortlist", "log_share"]


# Items of a context whose rows are looked up; no scorer goes further back. To look up all fifty is a tenth of
# a ranking.
LATEST_ITEMS: Final = 8
# Shares below it count as next to nothing.
_SMALL: Final = 0.001


class Known(NamedTuple):
    """B contexts and where their items stand in the table."""

    context: Context
    rows: Tensor  # int64[B, H] of the latest items, 0 where an item has no row

    @classmethod
    def of(cls, context: Context, table: Table) -> "Known":
        """Return the contexts with the rows of their latest items."""
        return cls(context, table.find(context.items[:, :LATEST_ITEMS]))


class Proposal(NamedTuple):
    """What a scorer names for each of B lines, and what it has to say of it.

    Where an item stands more than once in a line its values are added up. The last ``unnamed`` of a line are
    spoken of without being named: another scorer names them.
    """

    items: Tensor  # int64[B, P] keys, 0 for none
    values: tuple[Tensor, ...] = ()  # float32[B, P] each
    unnamed: int = 0


class Shortlist(NamedTuple):
    """The distinct candidates of all scorers, in the order of their keys, with what one of them said."""

    items: Tensor  # int64[B, C] keys, 0 for none
    rows: Tensor  # int64[B, C], 0 also for an item that has no row
    named: Tensor  # bool[B, C], whether the scorer named it
    values: tuple[Tensor, ...]  # float32[B, C] each, 0 for what it did not


class Scorer(Protocol):
    """Proposes items, describes every candidate in columns of about -1 to 1, and learns from examples.

    The blend learns what each column weighs; ``prior`` is what it weighs at first, a number a column.
    """

    prior: ClassVar[tuple[float, ...]]

    def propose(self, known: Known, /) -> Proposal:
        """Return the candidates for B contexts; pure."""

    def columns(self, known: Known, shortlist: Shortlist, /) -> list[Tensor]:
        """Return what speaks for each candidate, float32[B, C] each; pure."""

    def learn_many(self, examples: Examples) -> Tensor:
        """Learn from B examples, in order; return their losses from before, float32[B], 0 without one."""


def log_share(share: Tensor) -> Tensor:
    """Return shares of 0 to 1, float32[...], on a scale from 0 to 1 that tells those around 0.001 apart.

    Examples
    --------
    >>> [round(float(number), 2) for number in log_share(torch.tensor([0.0, 0.001, 1.0]))]
    [0.0, 0.1, 1.0]
    """
    return torch.log1p(share / _SMALL) / math.log1p(1 / _SMALL)
