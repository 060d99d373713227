"""How long after its view a purchase comes.

A mixture of two exponentials, each cut off: most buy within the session, the rest hours or days later.
Exponential delays are those of Chapelle, Modeling Delayed Feedback in Display Advertising, KDD 2014.
"""

from typing import Final, NamedTuple

import numpy as np

from producers.shop.columns import Floats, Ints
from producers.shop.plan import HOUR_MS

__all__ = ["draw_delays", "share_later"]


class _Part(NamedTuple):
    """Delays from ``low`` to ``high`` milliseconds; without the cut their mean would be ``mean`` more."""

    weight: float
    low: float
    mean: float
    high: float

    def draw(self, uniform: Floats) -> Floats:
        whole = -np.expm1(-(self.high - self.low) / self.mean)
        return np.asarray(self.low - self.mean * np.log1p(-uniform * whole))

    def later(self, delay: Floats) -> Floats:
        inside = np.clip(delay, self.low, self.high)
        end = np.exp(-(self.high - self.low) / self.mean)
        return np.asarray((np.exp(-(inside - self.low) / self.mean) - end) / (1 - end))


# As much as shops tell of themselves: 40 % later than an hour, 16 % than a day, none than three days.
_QUICK: Final = _Part(weight=0.6, low=1_000.0, mean=8 * 60_000.0, high=1.0 * HOUR_MS)
_SLOW: Final = _Part(weight=0.4, low=1.0 * HOUR_MS, mean=30.0 * HOUR_MS, high=72.0 * HOUR_MS)


def draw_delays(rng: np.random.Generator, count: int) -> Ints:
    """Return so many delays in milliseconds, each at least a second: int64[count]."""
    quick = rng.random(count) < _QUICK.weight
    uniform = rng.random(count)
    return np.where(quick, _QUICK.draw(uniform), _SLOW.draw(uniform)).astype(np.int64)


def share_later(delay: Ints) -> Floats:
    """Return the share of all purchases that come later than so many milliseconds after their view.

    Examples
    --------
    >>> share_later(np.array([0, HOUR_MS, 24 * HOUR_MS, 72 * HOUR_MS])).round(3).tolist()
    [1.0, 0.4, 0.164, 0.0]
    """
    exact = delay.astype(np.float64)
    return _QUICK.weight * _QUICK.later(exact) + _SLOW.weight * _SLOW.later(exact)
