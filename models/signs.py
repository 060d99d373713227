"""What the behaviour heads see of a user and an item: the signs that a view may lead to something."""

from typing import Final, NamedTuple

import torch
from torch import Tensor

from models.circumstances import CIRCUMSTANCES, circumstances
from models.context import Context
from models.conversions import HEADS, Conversions
from models.embedding import EmbeddingLearner
from models.scorer import Known
from models.table import Table

__all__ = ["CONSTANT", "SIGNS", "Counts", "Pairs", "Signs"]

_TINY: Final = 1e-6  # keeps 0/0 apart
# The rates of all items count as much as an item's own after so many views, and so many carts.
_PRIORS: Final = (20.0, 4.0)
# What the head of purchases after a cart sees besides the constant: the second of the two rates.
_RATE_OF_CARTS: Final = 1
# Where the circumstances begin, whose first is 1: after two rates, the count, nearness, and two shares.
CONSTANT: Final = 6
SIGNS: Final = CONSTANT + CIRCUMSTANCES


class Pairs(NamedTuple):
    """B users with K items each."""

    known: Known
    items: Tensor  # int64[B, K] keys
    rows: Tensor  # int64[B, K], 0 where an item has no row

    @classmethod
    def of(cls, table: Table, context: Context, items: Tensor) -> "Pairs":
        """Return B contexts with items, int64[B, K] keys, and where they stand."""
        return cls(Known.of(context, table), items, table.find(items))


class Counts(NamedTuple):
    """How often items were viewed, and how often it led to a cart and to a purchase, decayed."""

    viewed: Tensor  # float32[B, K]
    carted: Tensor  # float32[B, K]
    bought: Tensor  # float32[B, K]

    @classmethod
    def of(cls, table: Table, rows: Tensor) -> "Counts":
        """Return the counts of rows, int64[B, K]."""
        return cls(*(table.take(name, rows) for name in cls._fields))

    def without(self, lines: Conversions) -> "Counts":
        """Return the counts, float32[N, 1], without what has been counted of each line's own view before.

        With it, what led to something would look as if it were rarer than what did not.
        """
        was_carted = lines.outcome[1] & ~lines.outcome[0]
        own = torch.stack([torch.ones_like(was_carted), was_carted]) & ~lines.is_view  # bool[2, N]
        viewed, carted = (torch.stack(self[:2])[:, :, 0] - own.to(torch.float32)).clamp(min=0)
        return self._replace(viewed=viewed[:, None], carted=carted[:, None])


class Signs:
    """Puts together what the heads see.

    Parameters
    ----------
    table
        Of the learner.
    learner
        Has the vectors.

    Attributes
    ----------
    of_cart
        float32[F], 1 for what tells whether the content of a cart is bought. More would tell more if it were
        known as it was at the view. By the time of a late purchase, vectors have learnt the view and contexts
        have lost what was around it: in a simulation that cost 0.012 of the AUC.
    """

    def __init__(self, table: Table, learner: EmbeddingLearner) -> None:
        self._table, self._learner = table, learner
        self._priors = torch.tensor(_PRIORS, device=table.device)[:, None, None]
        self.of_cart = torch.zeros(SIGNS, device=table.device)
        self.of_cart[[_RATE_OF_CARTS, CONSTANT]] = 1

    def of(self, pairs: Pairs, counts: Counts, totals: Tensor) -> Tensor:
        """Return what speaks for items to their users, float32[B, K, F], of about -1 to 1.

        ``totals`` (float32[1 + A]) are the counts of all items together.
        """
        context = pairs.known.context
        stacked = torch.stack(counts)  # float32[1 + A, B, K]
        usual = (totals[1:] / totals[:-1])[:, None, None]
        rates = torch.log((stacked[1:] / usual + self._priors) / (stacked[:-1] + self._priors))
        of_pair = [*rates, torch.log1p(counts.viewed) / 3, self._nearness(pairs)]
        acted = torch.stack([(context.actions == code).sum(dim=1) for code in HEADS], dim=1)  # int64[B, A]
        shares = acted / (1 + (context.items != 0).sum(dim=1, keepdim=True))
        of_user = torch.cat([shares, circumstances(pairs.known, self._table)], dim=1)  # float32[B, A + G]
        of_users = of_user[:, None].expand(-1, pairs.items.shape[1], -1)
        return torch.cat([torch.stack(of_pair, dim=2), of_users], dim=2)

    def _nearness(self, pairs: Pairs) -> Tensor:
        """Return twice the cosine of the vectors of user and item, float32[B, K].

        An item of the context is taken out of it: at the view that is to lead to something it is not there.
        """
        vectors = self._table.take("weight", pairs.rows)  # float32[B, K, D]
        users = self._learner.users(pairs.known.rows)  # float32[B, D]
        decays = self._learner.decays
        latest = pairs.known.context.items[:, None, : len(decays)]  # int64[B, 1, L]
        own = (pairs.items[:, :, None] == latest).to(torch.float32) @ decays  # float32[B, K]
        square = vectors.square().sum(dim=2)  # float32[B, K]
        # Several times quicker on CPU than vectors @ users.
        product = torch.bmm(users[:, None], vectors.transpose(1, 2))[:, 0]
        length = users.square().sum(dim=1, keepdim=True) - 2 * own * product + own.square() * square
        return 2 * (product - own * square) / (length.clamp(min=0) * square + _TINY).sqrt()
