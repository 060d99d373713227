"""Time-ordered cross-validation: how figures differ between consecutive slices of a log."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import mean, stdev
from typing import Final

import msgspec

from models.errors import ModelError
from models.metrics import Quality, Scoreboard

__all__ = ["Folds", "TooFewBatches", "folds_of"]

# All but how many events there were.
_FIGURES: Final = [field for field in Quality.__struct_fields__ if field != "scored"]


class TooFewBatches(ModelError):
    """Batches of which not every slice would have a scored event.

    Examples
    --------
    >>> print(TooFewBatches(3, 5))
    3 batches with scored events are too few for 5 folds: ask for fewer, or for smaller batches
    """

    def __str__(self) -> str:
        batches, folds = self.args
        too_few = f"{batches} batches with scored events are too few for {folds} folds"
        return f"{too_few}: ask for fewer, or for smaller batches"


class Folds(msgspec.Struct, frozen=True):
    """A model's figures in each slice, their means, and their standard deviations between slices."""

    slices: list[Quality]
    mean: dict[str, float]
    spread: dict[str, float]


def folds_of(counts: Sequence[Mapping[str, Sequence[int]]], folds: int) -> dict[str, Folds]:
    """Return each model's figures in consecutive slices with as many scored events, but for a batch.

    All is test-then-train, so a slice is foreseen by what was learnt of all before it.

    Parameters
    ----------
    counts
        After each batch, how often each place was seen so far, by model.
    folds
        Slices, at least 2.

    Raises
    ------
    TooFewBatches
        If a slice would be empty.

    Examples
    --------
    >>> after_each_batch = [[1, 1], [2, 2], [5, 2], [7, 2]]  # misses, first places
    >>> counts = [{"pop": [*places, *[0] * 19]} for places in after_each_batch]
    >>> found = folds_of(counts, 2)["pop"]
    >>> [part.hit_rate_20 for part in found.slices], [part.scored for part in found.slices]
    ([0.2857, 0.0], [7, 2])
    """
    return {name: _folds([so_far[name] for so_far in counts], folds) for name in counts[-1]}


def _folds(counts: Sequence[Sequence[int]], folds: int) -> Folds:
    totals = [sum(places) for places in counts]
    ends = [bisect_left(totals, totals[-1] * fold / folds) for fold in range(1, folds + 1)]
    bounds = [[0] * len(counts[0]), *(counts[end] for end in ends)]
    slices = [_between(before, after) for before, after in pairwise(bounds)]
    if not all(part.scored for part in slices):
        raise TooFewBatches(len(set(totals) - {0}), folds)
    figures = {name: [getattr(part, name) for part in slices] for name in _FIGURES}
    return Folds(
        slices,
        {name: round(mean(of), 4) for name, of in figures.items()},
        {name: round(stdev(of), 4) for name, of in figures.items()},
    )


def _between(before: Sequence[int], after: Sequence[int]) -> Quality:
    return Scoreboard([later - earlier for earlier, later in zip(before, after, strict=True)]).quality
