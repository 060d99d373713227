"""How sure a figure is: intervals from a bootstrap over users, kept up as the events come."""

import math
from typing import Final, NamedTuple

import torch
from torch import Tensor

from models.metrics import NOT_SCORED
from models.scatter import scattered_bits

__all__ = ["Intervals", "Range"]

_REPLICATES: Final = 400
_COVERED: Final = 0.95
# Of a Poisson distribution of mean 1, up to 8: what is beyond happens once in a million draws.
_CUMULATED: Final = [sum(math.exp(-1) / math.factorial(n) for n in range(most + 1)) for most in range(9)]
# float32[65536]: the variable for each number of 16 bits, read with a sign: n stands at n + 2^15.
_DRAWN: Final = torch.searchsorted(
    torch.tensor(_CUMULATED), (torch.arange(2**16) + 0.5) / 2**16, out_int32=True
).to(torch.float32)
_SEED: Final = 1


class Range(NamedTuple):
    """From where to where a figure is with 95 % confidence."""

    low: float
    high: float


class Intervals:
    """Confidence intervals of hit rate and mean reciprocal rank.

    Events of one user are alike, so users are drawn anew and not events: in each replicate all events of a
    user count as often as a Poisson variable of mean 1 says, which follows from user and replicate
    (Chamandy et al., Estimating Uncertainty for Massive Data Streams, Google 2012).

    Examples
    --------
    >>> intervals = Intervals()
    >>> intervals.update_many(torch.arange(100), torch.tensor([1, 0] * 50, dtype=torch.int8))
    >>> found = intervals.hit_rate
    >>> 0.38 < found.low < 0.45, 0.55 < found.high < 0.62
    (True, True)
    """

    def __init__(self) -> None:
        # Weights of the events, of the hits, and of the hits divided by their ranks.
        self._sums = torch.zeros(3, _REPLICATES, dtype=torch.float64)

    def update_many(self, who: Tensor, ranks: Tensor) -> None:
        """Count the scored ones of the events of users (int64[B]) by their ranks (int8[B])."""
        scored = ranks != NOT_SCORED
        weights = _poisson(who[scored].cpu())  # float32[B, R]
        rank = ranks[scored].cpu().to(torch.float32)
        hit = rank > 0
        reciprocal = torch.where(hit, 1 / rank.clamp(min=1), 0)
        self._sums += torch.stack([torch.ones_like(rank), hit.to(torch.float32), reciprocal]) @ weights

    @property
    def hit_rate(self) -> Range:
        """Of the hit rate at 20."""
        return self._range(1)

    @property
    def reciprocal_rank(self) -> Range:
        """Of the mean reciprocal rank at 20."""
        return self._range(2)

    def _range(self, which: int) -> Range:
        means = self._sums[which] / self._sums[0].clamp(min=1)
        tail = (1 - _COVERED) / 2
        low, high = torch.quantile(means, torch.tensor([tail, 1 - tail], dtype=torch.float64)).tolist()
        return Range(round(low, 4), round(high, 4))


def _poisson(keys: Tensor) -> Tensor:
    """Return Poisson variables of mean 1 that follow from each key, float32[B, R]."""
    bits = scattered_bits(keys, _REPLICATES // 4, _SEED).view(torch.int16)  # int16[B, R]
    return _DRAWN[bits.to(torch.int64) + 2**15]
