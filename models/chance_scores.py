"""How good foretold probabilities are: what they tell apart, how sure they are, and whether they hold."""

import math
from typing import Final, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from models.batch import Bools, Floats

__all__ = ["ChanceQuality", "ChanceScores"]

# Log-odds are told apart to a 170th, from -12 to 12: within a bin of a 4,096th of that, all are one.
_BINS: Final = 4096
_WIDEST: Final = 12.0
_CERTAIN: Final = 1e-7  # a probability is at least so far from 0 and 1: float32 has no more


class ChanceQuality(msgspec.Struct, frozen=True):
    """Figures over ``scored`` probabilities, of which ``positives`` came true: some, and not all.

    ``normalised_entropy`` is the log loss beside that of who always says the share that came true: below 1
    something is told (He et al., Practical Lessons from Predicting Clicks on Ads at Facebook, ADKDD 2014).
    ``threshold`` is where the F1 score is best; ``accuracy``, ``recall`` and ``f1`` are those of it.
    ``foretold_per_actual`` is 1 where as much comes true as is foretold.
    """

    auc: float
    accuracy: float
    recall: float
    f1: float
    threshold: float
    log_loss: float
    normalised_entropy: float
    foretold_per_actual: float
    scored: int
    positives: int


class _Cut(NamedTuple):
    threshold: float
    accuracy: float
    recall: float
    f1: float


class ChanceScores:
    """Running totals over probabilities and what came of them; memory does not grow.

    Examples
    --------
    >>> scores = ChanceScores()
    >>> scores.update_many(np.array([0.1, 0.4, 0.3], np.float32), np.array([False, True, False]))
    >>> scores.quality.auc, round(scores.quality.foretold_per_actual, 2)
    (1.0, 0.8)
    """

    def __init__(self) -> None:
        self._counts = np.zeros((2, _BINS), dtype=np.int64)  # of what came true, and of the rest
        self._foretold = self._loss = 0.0

    def update_many(self, foretold: Floats, came: Bools) -> None:
        """Count N probabilities, float32[N], and whether they came true, bool[N]."""
        chance = np.clip(foretold.astype(np.float64), _CERTAIN, 1 - _CERTAIN)
        place = (np.log(chance / (1 - chance)) / _WIDEST + 1) / 2 * _BINS
        bins = np.clip(place, 0, _BINS - 1).astype(np.int64)
        self._counts += [np.bincount(bins[chosen], minlength=_BINS) for chosen in (came, ~came)]
        self._foretold += float(chance.sum())
        self._loss -= float(np.log(np.where(came, chance, 1 - chance)).sum())

    def copy(self) -> "ChanceScores":
        """Return the same, to go on from."""
        other = ChanceScores()
        other._counts = self._counts.copy()
        other._foretold, other._loss = self._foretold, self._loss
        return other

    @property
    def quality(self) -> ChanceQuality | None:
        """The figures so far; None where all that was scored came true, or nothing did."""
        positives, negatives = self._counts.sum(axis=1).tolist()
        if not positives or not negatives:
            return None
        scored = positives + negatives
        share, loss, best = positives / scored, self._loss / scored, self._best_cut()
        entropy = -share * math.log(share) - (1 - share) * math.log(1 - share)
        figures = {
            "auc": self._auc(),
            **best._asdict(),
            "log_loss": loss,
            "normalised_entropy": loss / entropy,
            "foretold_per_actual": self._foretold / positives,
        }
        rounded = {name: round(float(figure), 4) for name, figure in figures.items()}
        return ChanceQuality(**rounded, scored=scored, positives=positives)

    def _auc(self) -> float:
        """Return the share of pairs of one that came true and one that did not that are in order."""
        true, false = self._counts.astype(np.float64)
        below = np.cumsum(false) - false / 2  # what is in the same bin counts half
        return float((true * below).sum() / (true.sum() * false.sum()))

    def _best_cut(self) -> _Cut:
        """Return the lower end of a bin, from which on all that was scored is said to come true."""
        true, false = (_from_here_on(counts) for counts in self._counts)
        positives, negatives = true[0], false[0]
        f1 = 2 * true / (true + false + positives)
        at = int(f1.argmax())
        accuracy = (true[at] + negatives - false[at]) / (positives + negatives)
        odds = math.exp((2 * at / _BINS - 1) * _WIDEST)
        return _Cut(odds / (1 + odds), accuracy, true[at] / positives, f1[at])


def _from_here_on(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return the sums of each bin and those after it."""
    return np.cumsum(counts[::-1])[::-1].astype(np.float64)
