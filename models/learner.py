"""What every model that learns from the stream can do, baselines and wrappers included."""

from typing import Protocol

from torch import Tensor

from models.context import Context
from models.examples import Examples
from models.ranking import Ranking

__all__ = ["Learner"]


class Learner(Protocol):
    """Learns from examples and ranks items for contexts, a batch at a time.

    `predict_many` is pure; `learn_many` changes nothing but the learner. ``tests/checks.py`` holds what
    every Learner must obey.
    """

    def learn_many(self, examples: Examples) -> Tensor:
        """Learn from B examples, in order; return the loss of each from before the step, float32[B].

        The loss is in nats where the learner has one, 0 where it has none or the example teaches nothing.
        """

    def predict_many(self, context: Context, banned: Tensor, k: int) -> Ranking:
        """Return the best ``k`` items for B contexts, without the items of ``banned``, int64[B, X] keys."""
