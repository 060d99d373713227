"""A user's own recent items: on shops where people come back to things, hard to beat."""

import torch
from torch import Tensor

from models.context import Context
from models.examples import Examples
from models.ranking import Ranking

__all__ = ["Recent"]


class Recent:
    """Ranks the user's earlier items, latest first; there is nothing to learn."""

    def learn_many(self, examples: Examples) -> Tensor:
        """Learn nothing; the losses are 0."""
        return torch.zeros(len(examples.item), device=examples.item.device)

    def predict_many(self, context: Context, banned: Tensor, k: int) -> Ranking:
        """Return the distinct recent items, without the banned ones; a score is 1/(1 + age in items)."""
        allowed = ~(context.items[:, :, None] == banned[:, None, :]).any(dim=2)  # bool[B, L]
        kept = torch.where(allowed, context.items, 0)
        order = (kept == 0).to(torch.uint8).argsort(dim=1, stable=True)[:, :k]  # int64[B, k]
        items = kept.gather(1, order)
        return Ranking(items, (items != 0) / (1.0 + order), torch.zeros_like(items, dtype=torch.uint8))
