"""Incremental matrix factorisation: a baseline that learns event by event."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from models.factors import Factors, best

__all__ = ["IncrementalFactors"]

_FACTORS: Final = 200
_RATE: Final = 0.1
_DECAY: Final = 0.1
_SEED: Final = 1


class IncrementalFactors:
    """ISGD: a vector a user and an item, whose product is to be 1 where the user had the item.

    One step of gradient descent an event, on what was seen alone; ranks all items that were met, the product
    nearest to 1 first. Of ten settings of size, rate and decay these foresaw most, on `rees46` and the first
    15,000 events of `online_retail` together.

    (Vinagre, Jorge and Gama, Fast Incremental Matrix Factorization for Recommendation with Positive-Only
    Feedback, UMAP 2014.)

    Examples
    --------
    >>> factors = IncrementalFactors()
    >>> for _ in range(200):
    ...     factors.learn(1, [], 5, ts=0)
    >>> factors.learn(1, [], 6, ts=0)
    >>> factors.rank(1, [6], 20)
    [5]
    """

    def __init__(self) -> None:
        rng = np.random.default_rng(_SEED)
        self._users, self._items = Factors(_FACTORS, rng), Factors(_FACTORS, rng)

    def learn(self, who: int, history: Sequence[int], item: int, ts: int) -> None:  # noqa: ARG002 - as all rivals
        """Learn that a user had an item."""
        user, had = self._users.row(who), self._items.row(item)
        error = 1 - user @ had
        user += _RATE * (error * had - _DECAY * user)
        had += _RATE * (error * user - _DECAY * had)

    def rank(self, who: int, history: Sequence[int], k: int) -> list[int]:
        """Return the ``k`` items nearest to the user, without the latest."""
        scores = self._items.scores(self._users.row(who))
        return best(self._items.keys, -(1 - scores).abs(), history[-1], k)
