"""Scorers without a table of their own: a user's recent items, and what is popular."""

from typing import ClassVar, Final

import torch
from torch import Tensor

from models.batch import CODE_OF
from models.events import Action
from models.examples import Examples
from models.popularity import Popularity
from models.scorer import Known, Proposal, Shortlist, log_share
from models.table import Table

__all__ = ["PopularNow", "RecentlySeen"]

# Popular items that are candidates. With 15 the hit rates of five logs are the same.
_PROPOSED: Final = 10
_HOUR: Final = 3_600_000
_WANTED: Final = (CODE_OF[Action.ADD_TO_CART], CODE_OF[Action.ADD_TO_WISHLIST])
_BOUGHT: Final = CODE_OF[Action.PURCHASE]


class RecentlySeen:
    """The user's own items before the latest one: how long ago, and what was done with them."""

    prior: ClassVar[tuple[float, ...]] = (1.0, 1.0, 0.0, 0.0, 0.0)

    def propose(self, known: Known) -> Proposal:
        """Return all but the latest."""
        items = known.context.items[:, 1:]  # int64[B, L - 1]
        place = torch.arange(1, items.shape[1] + 1, device=items.device)
        age = (known.context.ts[:, :1] - known.context.ts[:, 1:]).clamp(min=0).to(torch.float32) / _HOUR
        action = known.context.actions[:, 1:]
        wanted = (action == _WANTED[0]) | (action == _WANTED[1])
        values = (
            torch.ones(items.shape, device=items.device),
            (1.0 / place).expand(items.shape),
            1 / (1 + torch.log1p(age)),
            wanted.to(torch.float32),
            (action == _BOUGHT).to(torch.float32),
        )
        return Proposal(items, values)

    def columns(self, _: Known, shortlist: Shortlist) -> list[Tensor]:
        """Return whether it is one of them, how far back and long ago, whether put in the cart, bought."""
        return list(shortlist.values)

    def learn_many(self, examples: Examples) -> Tensor:
        """Learn nothing; the losses are 0."""
        return torch.zeros(len(examples.item), device=examples.item.device)


class PopularNow:
    """What everybody looks at now, and what has come up just now.

    Parameters
    ----------
    table
        Has the column ``count`` of events of an item.
    popularity, trend
        Of a long half-life and a short one; they are taught by others.
    """

    prior: ClassVar[tuple[float, ...]] = (1.0, 0.0, 0.0)

    def __init__(self, table: Table, popularity: Popularity, trend: Popularity) -> None:
        self._table = table
        self._popularity, self._trend = popularity, trend

    def propose(self, known: Known) -> Proposal:
        """Return the most popular items, the same for all."""
        items = self._table.take("key", self._popularity.top_rows[:_PROPOSED])  # int64[P]
        return Proposal(items.expand(len(known.rows), -1))

    def columns(self, _: Known, shortlist: Shortlist) -> list[Tensor]:
        """Return how popular it is, and lately, beside the most popular item, and how much is known of it."""
        shares = (which.shares(shortlist.rows) for which in (self._popularity, self._trend))
        seen = torch.log1p(self._table.take("count", shortlist.rows))  # float32[B, C]
        return [*(log_share(share) for share in shares), seen / 8]

    def learn_many(self, examples: Examples) -> Tensor:
        """Learn nothing: who has the popularity teaches it; the losses are 0."""
        return torch.zeros(len(examples.item), device=examples.item.device)
