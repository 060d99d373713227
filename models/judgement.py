"""Which of two models foresees better, told from the same events, however often one looks."""

from typing import Any, Final, NamedTuple

import numpy as np

from models.batch import Floats

__all__ = ["Interval", "Judgement"]

# Stakes of the bets. The best for a mean difference m of variance v is m / v: these are those of differences
# that are next to nothing, and of those that hardly need a test.
_STAKES: Final = 2.0 ** -np.arange(1, 11)  # float64[J]
# Means that are bet against: 0 decides, the others say how large a difference is at least and at most.
_ABOVE: Final = 2.0 ** np.arange(-11, 0)
_MEANS: Final = np.concatenate([-_ABOVE[::-1], [0.0], _ABOVE])  # float64[M]


class Interval(NamedTuple):
    """Where a mean is, -1 and 1 where nothing is known."""

    low: float
    high: float


class Judgement:
    """A confidence sequence for the mean of differences that come one by one, by betting.

    For each of a grid of means two gamblers bet on every difference, one that it is above the mean, one that
    it is below. Where the mean is the true one no bet is worth anything, so that either becomes rich with a
    chance of at most half of alpha, ever (Waudby-Smith and Ramdas, Estimating Means of Bounded Random
    Variables by Betting, JRSS B 2024). Each splits what it has among fixed stakes, of which the best soon has
    nearly all. So means are ruled out, and may be looked at after each difference: that is no peeking.

    Parameters
    ----------
    alpha
        The chance that the mean is ever outside of the interval, at most.
    means
        Those that are bet against, in order, 0 among them: the interval is as fine as they are.

    Attributes
    ----------
    count
        Differences so far.

    Examples
    --------
    >>> judgement = Judgement(alpha=0.05)
    >>> judgement.update_many(np.full(100, 0.25))
    >>> judgement.interval
    Interval(low=0.125, high=0.5)
    """

    def __init__(self, alpha: float, means: Floats = _MEANS) -> None:
        self._enough, self._means = np.log(2 / alpha), means
        # float64[2, M, J], what each bet has made, as logarithms: above, below.
        self._won = np.zeros((2, len(means), len(_STAKES)))
        self._ruled_out = np.zeros((2, len(means)), bool)
        self.count, self._sum = 0, 0.0

    @property
    def mean(self) -> float:
        """The mean so far, 0 of none."""
        return self._sum / self.count if self.count else 0.0

    @property
    def sign(self) -> int:
        """Return 1 where the mean is above 0, -1 where below, 0 while neither is known."""
        low, high = self.interval
        return (low >= 0) - (high <= 0)

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
        self._sum += float(differences.sum())
        over = differences[:, None, None] - self._means[:, None]  # float64[n, M, 1]
        gains = np.stack([np.log1p(sign * over * _STAKES) for sign in (1, -1)], axis=1)  # float64[n, 2, M, J]
        won = self._won + gains.cumsum(axis=0)
        self._won = won[-1]
        richest = np.logaddexp.reduce(won, axis=3) - np.log(len(_STAKES))  # float64[n, 2, M]
        self._ruled_out |= (richest >= self._enough).any(axis=0)

    @property
    def state(self) -> dict[str, Any]:
        """What is known, of types that msgpack has."""
        return {
            "count": self.count,
            "sum": self._sum,
            "won": self._won.tobytes(),
            "ruled_out": self._ruled_out.tobytes(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.count, self._sum = state["count"], state["sum"]
        self._won = np.frombuffer(state["won"]).reshape(self._won.shape).copy()
        self._ruled_out = np.frombuffer(state["ruled_out"], bool).reshape(self._ruled_out.shape).copy()
