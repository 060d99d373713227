"""What the hours of a day bring by themselves: the level of a figure, and how far each hour is from it."""

import warnings
from typing import Any, Final

import numpy as np
import numpy.typing as npt

__all__ = ["Season", "moving_mean"]

_DAY_HOURS: Final = 24
# Values that a moving mean is of, about: half a day of a middling shop.
_SPAN: Final = 20_000
# Days of which the hours are compared: a week, so that each weekday is in it.
_DAYS: Final = 7
# Days that an hour must have been compared in: the median of three is no single day's doing.
_DAYS_NEEDED: Final = 3
# Of a day with fewer hours it cannot be told what is unusual in it.
_HOURS_NEEDED: Final = 12


def moving_mean(level: float, values: npt.NDArray[np.float64], count: int) -> float:
    """Return the mean of all ``count`` values so far, of which these, float64[n], are the last.

    Of more than 20,000 values it is an exponential moving mean: what is older counts ever less.

    Examples
    --------
    >>> moving_mean(0.5, np.array([1.0, 0.0, 0.0, 0.0]), 8)
    0.375
    """
    share = len(values) / min(count, max(_SPAN, len(values))) if len(values) else 0.0
    return level + (float(values.mean()) - level) * share if share else level


class Season:
    """The level of a figure, and how far the hours of the last seven days were from their day.

    An additive decomposition, with the median of an hour's days as its part (in the place of the weights
    by which Cleveland et al., STL: A Seasonal-Trend Decomposition Procedure Based on Loess, Journal of
    Official Statistics 1990, is robust). Where a day differs from the one before, that is a trend, and no
    hour's doing. Of the first day, in which a new model learns most, nothing is taken to be usual.

    Attributes
    ----------
    level
        The mean of late.
    count
        Values so far.

    Examples
    --------
    >>> season = Season()
    >>> for hour in range(5 * 24):
    ...     season.update_many(hour, np.full(1_000, 0.5 if hour % 24 == 12 else 0.25))
    >>> round(season.deviation(12), 2), round(season.deviation(4), 2)
    (0.24, -0.01)
    """

    def __init__(self) -> None:
        self.level, self.count = 0.0, 0
        self._deviations = np.full((_DAYS, _DAY_HOURS), np.nan)  # float64[7, 24], NaN where none is known
        self._usual = np.zeros(_DAY_HOURS)  # float64[24]
        self._today = np.zeros((_DAY_HOURS, 2))  # float64[24, 2], sums of values, and how many
        self._date, self._days, self._yesterday = 0, 0, 0.0

    @property
    def is_known(self) -> bool:
        """Whether enough days were seen to tell what is usual; the first is compared with none."""
        return self._days > _DAYS_NEEDED

    def deviation(self, hour: int) -> float:
        """Return how far an hour, counted from any midnight, usually is from its day; 0 while not known."""
        return float(self._usual[hour % _DAY_HOURS])

    def update_many(self, hour: int, values: npt.NDArray[np.float64]) -> None:
        """Take in the values of an hour, float64[n], n at least 1; of a day before they count as of today."""
        date, count = hour // _DAY_HOURS, len(values)
        if date > self._date:
            self._close_day()
            self._date = date
        self._today[hour % _DAY_HOURS] += (values.sum(), count)
        self.count += count
        self.level = moving_mean(self.level, values, self.count)

    def _close_day(self) -> None:
        hours = np.flatnonzero(self._today[:, 1])
        if len(hours) >= _HOURS_NEEDED:
            means = self._today[hours, 0] / self._today[hours, 1]
            if self._days:
                trend = (means.mean() - self._yesterday) / _DAY_HOURS * (hours - hours.mean())
                self._deviations = np.roll(self._deviations, 1, axis=0)
                self._deviations[0] = np.nan
                self._deviations[0, hours] = means - means.mean() - trend
            self._days, self._yesterday = self._days + 1, float(means.mean())
            self._weigh()
        self._today[:] = 0.0

    def _weigh(self) -> None:
        with warnings.catch_warnings(action="ignore", category=RuntimeWarning):  # of hours never seen
            usual = np.nanmedian(self._deviations, axis=0)
        days = np.isfinite(self._deviations).sum(axis=0)  # int64[24]
        self._usual = np.where(days >= _DAYS_NEEDED, usual, 0.0)

    @property
    def state(self) -> dict[str, Any]:
        """What is known, of types that msgpack has."""
        numbers = {"level": self.level, "count": self.count, "date": self._date, "days": self._days}
        numbers["yesterday"] = self._yesterday
        return numbers | {"deviations": self._deviations.tobytes(), "today": self._today.tobytes()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.level, self.count = state["level"], state["count"]
        self._date, self._days, self._yesterday = state["date"], state["days"], state["yesterday"]
        self._deviations[:] = np.frombuffer(state["deviations"]).reshape(self._deviations.shape)
        self._today[:] = np.frombuffer(state["today"]).reshape(self._today.shape)
        self._weigh()
