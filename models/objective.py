"""What recommendations are to bring about: views, carts, purchases, or what all of these are worth."""

import enum
from collections.abc import Mapping
from typing import Final

import torch
from torch import Tensor

from models.behaviour import Behaviour
from models.context import Context
from models.examples import Examples
from models.learner import Learner
from models.ranking import Ranking

__all__ = ["Aimed", "Objective"]

# All that the blend names for a context, and more.
_CANDIDATES: Final = 256


class Objective(enum.StrEnum):
    """What items are ranked by."""

    VIEW = "view"
    CART = "cart"
    PURCHASE = "purchase"
    VALUE = "value"


# What a view, a cart and a purchase are worth: each step of the funnel ten times the one before, about as
# much as each is rarer.
_WORTH: Final[Mapping[Objective, tuple[float, float, float]]] = {
    Objective.VIEW: (1.0, 0.0, 0.0),
    Objective.CART: (0.0, 1.0, 0.0),
    Objective.PURCHASE: (0.0, 0.0, 1.0),
    Objective.VALUE: (0.01, 0.1, 1.0),
}


class Aimed:
    """A Learner whose candidates are put in order by what they are likely to bring about.

    The chance of a view is the candidate's share of a softmax over the scores; times what the behaviour heads
    say of a view it is the chance of a cart or purchase (ESMM: Ma et al., SIGIR 2018), and the new score. To
    aim at views changes nothing.

    Parameters
    ----------
    learner
        Names and scores the candidates.
    behaviour
        Knows what views lead to.
    objective
        What is aimed at.
    """

    def __init__(self, learner: Learner, behaviour: Behaviour, objective: Objective) -> None:
        self._learner, self._behaviour = learner, behaviour
        self._objective = objective

    def learn_many(self, examples: Examples) -> Tensor:
        """Teach the learner; return its losses."""
        return self._learner.learn_many(examples)

    def predict_many(self, context: Context, banned: Tensor, k: int) -> Ranking:
        """Return the best ``k`` candidates."""
        if self._objective is Objective.VIEW:
            return self._learner.predict_many(context, banned, k)
        named = self._learner.predict_many(context, banned, max(k, _CANDIDATES))
        there = named.items != 0  # bool[B, C]
        view = named.scores.masked_fill(~there, -torch.inf).softmax(dim=1)
        cart, purchase = self._behaviour.predict_many(context, named.items)
        worth = _WORTH[self._objective]
        value = view * (worth[0] + worth[1] * cart + worth[2] * purchase)
        best = value.masked_fill(~there, -1).topk(k, dim=1)
        columns = (column.gather(1, best.indices) for column in (named.items, named.source))
        items, source = columns
        return Ranking(items, best.values.where(items != 0, 0), source)
