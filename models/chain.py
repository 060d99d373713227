"""Learners one after the other: the next fills the places that the one before left empty."""

from collections.abc import Sequence

import torch
from torch import Tensor

from models.context import Context
from models.examples import Examples
from models.learner import Learner
from models.ranking import Ranking, first_distinct

__all__ = ["Chain"]


class Chain:
    """A Learner of Learners: their rankings in a row, repeats taken out.

    ``source`` in its rankings is the place of the part in ``parts``.
    """

    def __init__(self, parts: Sequence[Learner]) -> None:
        self._parts = tuple(parts)

    def learn_many(self, examples: Examples) -> Tensor:
        """Teach each part; return the losses of the first."""
        first, *others = self._parts
        losses = first.learn_many(examples)
        for part in others:
            part.learn_many(examples)
        return losses

    def predict_many(self, context: Context, banned: Tensor, k: int) -> Ranking:
        """Return the first ``k`` distinct items of the parts' rankings, read in order."""
        found = [part.predict_many(context, banned, k) for part in self._parts]
        items = torch.cat([ranking.items for ranking in found], dim=1)  # int64[B, parts * k]
        scores = torch.cat([ranking.scores for ranking in found], dim=1)
        source = torch.cat([torch.full_like(r.source, place) for place, r in enumerate(found)], dim=1)
        places, there = first_distinct(items, k)
        taken = (column.gather(1, places) for column in (items, scores, source))
        return Ranking(*(torch.where(there, column, 0) for column in taken))
