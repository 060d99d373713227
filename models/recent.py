"""A user's own recent items: on shops where people come back to things, hard to beat."""

import torch
from torch import Tensor

from models.context import Context
from models.examples import Examples
from models.ranking import Ranking, compact, is_among

__all__ = ["Recent"]


class Recent:
    """Ranks the user's earlier items, latest first; there is nothing to learn."""

    def learn_many(self, examples: Examples) -> Tensor:
        """Learn nothing; the losses are 0."""
        return torch.zeros(len(examples.item), device=examples.item.device)

    def predict_many(self, context: Context, banned: Tensor, k: int) -> Ranking:
        """Return the distinct recent items, without the banned ones; a score is 1/(1 + age in items)."""
        allowed = (context.items != 0) & ~is_among(context.items, banned)  # bool[B, L]
        age = torch.arange(context.items.shape[1], device=context.items.device)
        scores = (1.0 / (1.0 + age)).expand(len(context.items), -1)  # float32[B, L]
        items, scores = compact(allowed, k, context.items, scores)
        return Ranking(items, scores, torch.zeros_like(items, dtype=torch.uint8))
