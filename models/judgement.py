"""Which of two models foresees better, told from the same events, however often one looks."""

from typing import Final, NamedTuple

import numpy as np

from models.batch import Floats

__all__ = ["Interval", "Judgement"]

# Stakes of the bets. The best for a mean difference m of variance v is m / v: these are those of differences
# that are next to nothing, and of those that hardly need a test.
_STAKES: Final = 2.0 ** -np.arange(1, 11)  # float64[J]


class Interval(NamedTuple):
    """Where a mean is, -1 and 1 where nothing is known."""

    low: float
    high: float


class Judgement:
    """A confidence sequence for the mean of differences that come one by one, by betting.

    For each of some means two gamblers bet on every difference, one that it is above the mean, one that
    it is below. Where the mean is the true one no bet is worth anything, so that either becomes rich with a
    chance of at most half of alpha, ever (Waudby-Smith and Ramdas, Estimating Means of Bounded Random
    Variables by Betting, JRSS B 2024). Each splits what it has among fixed stakes, of which the best soon has
    nearly all. So means are ruled out, and may be looked at after each difference: that is no peeking.

    Parameters
    ----------
    alpha
        The chance that the mean is ever outside of the interval, at most.
    means
        float64[M], those that are bet against, in order: the interval is as fine as they are.

    Attributes
    ----------
    count
        Differences so far.

    Examples
    --------
    >>> judgement = Judgement(alpha=0.05, means=np.array([0.0, 0.1, 0.3]))
    >>> judgement.update_many(np.full(200, 0.25))
    >>> judgement.interval
    Interval(low=0.1, high=1.0)
    """

    def __init__(self, alpha: float, means: Floats) -> None:
        self._log_threshold, self._means = np.log(2 / alpha), means
        # float64[2, M, J], what each stake of either gambler has become: above, below.
        self._log_wealth = np.zeros((2, len(means), len(_STAKES)))
        self._ruled_out = np.zeros((2, len(means)), bool)
        self.count = 0

    @property
    def interval(self) -> Interval:
        """Where the mean is, by all that was seen."""
        too_low, too_high = self._ruled_out
        low, high = self._means[too_low].max(initial=-1.0), self._means[too_high].min(initial=1.0)
        return Interval(float(low), float(high))

    def update_many(self, differences: Floats) -> None:
        """Take in differences, float[n], each from -1 to 1, in the order in which they came.

        Raises
        ------
        ValueError
            If one is no number from -1 to 1.
        """
        if not (np.abs(differences) <= 1).all():
            raise ValueError("a difference must be a number from -1 to 1")
        if not len(differences):
            return
        self.count += len(differences)
        over = differences[:, None, None] - self._means[:, None]  # float64[n, M, 1]
        gains = np.stack([np.log1p(sign * over * _STAKES) for sign in (1, -1)], axis=1)  # float64[n, 2, M, J]
        log_wealth = self._log_wealth + gains.cumsum(axis=0)
        self._log_wealth = log_wealth[-1]
        in_all = np.logaddexp.reduce(log_wealth, axis=3) - np.log(len(_STAKES))  # float64[n, 2, M]
        self._ruled_out |= (in_all >= self._log_threshold).any(axis=0)
