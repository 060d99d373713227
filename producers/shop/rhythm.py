"""How the traffic of the made-up shop swings with the hour and the weekday."""

from typing import Final

import numpy as np

from producers.shop.columns import Floats, Ints
from producers.shop.plan import DAY_MS, ShopPlan

__all__ = ["busyness", "evening"]

# Eight in the evening, UTC, and Saturday: when shops are busiest.
_PEAK: Final = 20 / 24
_PEAK_DAY: Final = 5.5
# Days from Monday, 1969-12-29, to the Unix epoch.
_EPOCH_DAY: Final = 3


def evening(ts: Ints, peak: Floats | float = _PEAK) -> Floats:
    """Return 1 at the peak of the day, -1 half a day from it.

    Parameters
    ----------
    ts
        Milliseconds since the Unix epoch.
    peak
        The time of the day, 0 to 1.
    """
    return np.cos(2 * np.pi * (ts / DAY_MS - peak))


def busyness(plan: ShopPlan, ts: Ints) -> Floats:
    """Return the rate of sessions as a multiple of its mean.

    Examples
    --------
    >>> plan = ShopPlan(swing=0.4, weekly_swing=0.0)
    >>> busyness(plan, plan.start + np.array([8, 20]) * 3_600_000).round(3).tolist()
    [0.6, 1.4]
    """
    weekday = ts / DAY_MS + _EPOCH_DAY
    weekend = np.cos(2 * np.pi * (weekday - _PEAK_DAY) / 7)
    return (1 + plan.swing * evening(ts)) * (1 + plan.weekly_swing * weekend)
