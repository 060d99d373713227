"""The behaviour heads: how likely a view of an item leads to a cart, and to a purchase."""

from typing import Any, ClassVar, Final, NamedTuple

import torch
from torch import Tensor

from models.adam import Adam
from models.calibration import Calibration
from models.context import Context
from models.conversions import HEADS, Conversions
from models.embedding import EmbeddingLearner
from models.signs import CONSTANT, SIGNS, Counts, Pairs, Signs
from models.table import Column, Table

__all__ = ["Behaviour", "Chances"]

_RATE: Final = 0.02  # as the blend's; half and one and a half times as much lose less than 0.003 of the AUC
# Every view of an item makes those before it count this much less: half after 138 views.
_FADE: Final = 0.995
# The same for the rates of all items together: half after 14,000 views.
_BASE_FADE: Final = 0.99995
# Of a cart at a view, and of a purchase after it, before anything is known; they count as 20 views.
_FIRST_RATES: Final = (0.05, 0.3)
_FIRST_VIEWS: Final = 20.0
# Views until which the constant of the first head is set by how many led to a cart, in place of being learnt:
# Adam's steps to a shop's rate take thousands, and the calibration would have made up for it before.
# Purchases come too late for that: with the second constant set as well they were foretold 4 % too often.
_FIRST_STEPS: Final = 1_000
# Expected delays until they are known: of carts 83 % come within the hour, of purchases 42 %, and 11 % later
# than a day, as people's delays have heavy tails (Barabasi, The Origin of Bursts and Heavy Tails in Human
# Dynamics, Nature 2005).
_TAILS: Final = (3.0, 1.5)
_TINY: Final = 1e-6  # keeps a logit finite
# Rates are held between it and 1 less it: decayed purchases may for a time be more than decayed carts.
_RARE: Final = 1e-4


class Chances(NamedTuple):
    """The probabilities that a view of K items by B users leads to a cart, and to a purchase."""

    cart: Tensor  # float32[B, K]
    purchase: Tensor  # float32[B, K]


class Behaviour:
    """Two logistic heads, one on top of the other, learnt online though purchases come late.

    A purchase is a cart, and then a purchase of what is in it: p_purchase = p_cart * p(purchase | cart), as
    Ma et al. do with clicks (Entire Space Multi-Task Model, SIGIR 2018). So what carts teach, which are more
    and come soon, is the body of both. It sees the `Signs`; the head of what is in the cart sees only how
    often carts with the item were bought. A purchase without a cart counts as one.

    A view is a negative at once, with weight (1 - p)(1 + p), and what comes of it later is a positive beside
    it, with weight 1 + p (fake negative weighted: Ktena et al., Addressing Delayed Feedback for Continuous
    Training with Neural Networks in CTR Prediction, RecSys 2019); p is the heads' own and has no gradient. Of
    the log loss there remains a slope of (1 - p^2) p for a view, and of p^2 - 1 for what came of one. Every
    view is learnt from: as none is sampled away, nothing has to be weighed up for it. A `Calibration` on top
    makes up for what has not come yet.

    Parameters
    ----------
    table
        Has `COLUMNS`; others may keep theirs in the same rows.
    learner
        Has the vectors.

    Attributes
    ----------
    views
        Learnt so far. With none the heads have nothing to say.
    foretold
        float32[A, V], the chances of the views learnt last, as they were before.
    carts
        How many came in what was learnt last.
    """

    COLUMNS: ClassVar = {name: Column() for name in Counts._fields}

    def __init__(self, table: Table, learner: EmbeddingLearner) -> None:
        self._table = table
        self._signs = Signs(table, learner)
        first = torch.tensor(_FIRST_RATES, device=table.device)
        self._weights = torch.zeros(len(HEADS), SIGNS, device=table.device)  # float32[A, F]
        self._weights[:, CONSTANT] = torch.logit(first)
        self._adam = Adam(self._weights, _RATE)
        self._sees = torch.ones_like(self._weights)
        self._sees[1] = self._signs.of_cart
        # float32[1 + A]: views, carts and purchases of all items, decayed, and before anything is known.
        self._first = _FIRST_VIEWS * torch.cat([torch.ones_like(first[:1]), first.cumprod(dim=0)])
        self._totals = torch.zeros_like(self._first)
        self._calibration = Calibration(_TAILS)
        self.foretold = torch.zeros(len(HEADS), 0, device=table.device)
        self.views = self.carts = 0

    def predict_many(self, context: Context, items: Tensor) -> Chances:
        """Return the chances of items, int64[B, K] keys, for B contexts; those of key 0 mean nothing."""
        pairs = Pairs.of(self._table, context, items)
        signs = self._signs.of(pairs, Counts.of(self._table, pairs.rows), self._first + self._totals)
        return Chances(*self._calibrated(self._steps(signs).cumprod(dim=0)))

    def learn_many(self, lines: Conversions) -> None:
        """Take a step on the lines, before what the heads see has learnt from the same examples."""
        self.foretold, self.carts = self.foretold[:, :0], int(lines.outcome[0].sum())
        if not len(lines.item):
            return
        pairs = Pairs.of(self._table, lines.context, lines.item[:, None])
        counts = Counts.of(self._table, pairs.rows).without(lines)
        signs = self._signs.of(pairs, counts, self._first + self._totals)  # float32[N, 1, F]
        steps = self._steps(signs)[:, :, 0]  # float32[A, N]
        chances = steps.cumprod(dim=0)  # float32[A, N]
        self.foretold = self._calibrated(chances)[:, lines.is_view]
        # bool[A, N], whether each was to be taken.
        begun = torch.cat([lines.is_view[None], lines.outcome[:-1]])
        slope = (1 - steps.square()) * (steps * begun - lines.outcome.to(torch.float32))  # float32[A, N]
        self._adam.descend(slope @ signs[:, 0] * self._sees / lines.is_view.sum().clamp(min=1))
        of_views = chances * lines.is_view
        self._calibration.update_many(*(it.cpu() for it in (lines.ts, lines.age, of_views, lines.outcome)))

    def count_many(self, lines: Conversions) -> None:
        """Count views and what came of them for their items, once these have rows."""
        if not len(lines.item):
            return
        new = torch.stack([lines.is_view, *lines.outcome], dim=1).to(torch.float32)  # float32[N, 1 + A]
        rows, place = torch.unique(self._table.find(lines.item), return_inverse=True)
        sums = new.new_zeros(len(rows), new.shape[1]).index_add_(0, place, new)
        for name, more in zip(Counts._fields, sums.T, strict=True):
            column = self._table[name]
            column[rows] = column[rows] * _FADE ** sums[:, 0] + more
            column[0] = 0
        self._table.touch(rows)
        total = new.sum(dim=0)
        self._totals = self._totals * _BASE_FADE ** total[0] + total
        self.views += int(total[0])
        if self.views < _FIRST_STEPS:
            viewed, carted = (self._first + self._totals)[:2]
            self._weights[0, CONSTANT] = (carted / viewed).logit(_RARE)

    def _calibrated(self, chances: Tensor) -> Tensor:
        """Return the heads' chances, float32[A, ...], with what is still to come made up for."""
        ratio = self._calibration.ratio.log().to(chances.device)  # float32[A]
        calibrated: Tensor = (chances.logit(_TINY).flatten(1) + ratio[:, None]).sigmoid()
        # Each has a ratio of its own: that there be no more purchases than carts does not follow.
        calibrated, _ = calibrated.cummin(dim=0)
        return calibrated.view_as(chances)

    def _steps(self, signs: Tensor) -> Tensor:
        """Return the chances of a cart at a view and of a purchase after it, float32[A, B, K]."""
        return (signs @ (self._weights * self._sees).T).sigmoid().permute(2, 0, 1)

    @property
    def state(self) -> dict[str, Any]:
        """What is in no row, of types that msgpack has."""
        totals, calibration = self._totals.cpu().numpy().tobytes(), self._calibration.state
        return {"views": self.views, "heads": self._adam.state, "totals": totals, "calibration": calibration}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state, and what the table holds."""
        self.views = state["views"]
        self._adam.restore(state["heads"])
        totals = torch.frombuffer(bytearray(state["totals"]), dtype=torch.float32)
        self._totals = totals.to(self._totals.device)
        self._calibration.restore(state["calibration"])
