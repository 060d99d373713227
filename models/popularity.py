"""What everybody looks at now: the baseline of all baselines, and the answer for a new user."""

import torch
from torch import Tensor

from models.context import Context
from models.examples import Examples
from models.ranking import Ranking, compact, is_among
from models.table import Column, Table

__all__ = ["Popularity"]

# Two days of a small shop or minutes of a large one; the reference scores were taken with the same.
_HALF_LIFE_EVENTS = 20_000
# Masses grow instead of decaying; beyond this they are scaled down together, far from overflow.
_RESCALE_AT = 1e12


class Popularity:
    """Items by decayed count of events, with a half-life counted in events.

    Parameters
    ----------
    places
        Items it keeps in order: as many as the longest ranking has, and as may be banned from it.
    limit
        The most items it counts.
    device
        Where it lives.
    """

    def __init__(self, places: int, limit: int, device: torch.device) -> None:
        self._mass = Table({"mass": Column((), torch.float64)}, limit, device, torch.Generator())
        self._weight = 1.0
        self._growth = 2 ** (1 / _HALF_LIFE_EVENTS)
        self._places = places
        self._top = torch.zeros(self._places, dtype=torch.int64, device=device)  # int64[places] keys
        self._top_mass = torch.zeros(self._places, device=device)  # float32[places]

    def learn_many(self, examples: Examples) -> Tensor:
        """Count each example's item once; the losses are 0."""
        rows = self._mass.admit(examples.item)  # int64[B]
        count = len(rows)
        steps = torch.arange(count, dtype=torch.float64, device=rows.device)
        self._mass["mass"].index_add_(0, rows, self._weight * self._growth**steps)
        self._weight *= self._growth**count
        if self._weight > _RESCALE_AT:
            self._mass["mass"].div_(self._weight)
            self._weight = 1.0
        self._rank()
        return torch.zeros(count, device=rows.device)

    def predict_many(self, context: Context, banned: Tensor, k: int) -> Ranking:
        """Return the most popular items, the same for all but for what is banned."""
        enough = k + banned.shape[1]  # k are left if all that is banned is among them
        top = self._top[:enough].expand(len(context.items), -1)  # int64[B, enough]
        mass = self._top_mass[:enough].expand(len(context.items), -1)  # float32[B, enough]
        items, scores = compact((top != 0) & ~is_among(top, banned), k, top, mass)
        return Ranking(items, scores, torch.zeros_like(items, dtype=torch.uint8))

    def _rank(self) -> None:
        mass = self._mass["mass"]
        mass[0] = 0  # where items beyond the limit were counted
        best = mass.topk(min(self._places, len(mass)))
        found = best.values > 0
        self._top[: len(found)] = torch.where(found, self._mass["key"][best.indices], 0)
        self._top_mass[: len(found)] = (best.values / self._weight).to(torch.float32)
