"""How well events were foreseen, test-then-train: hit rate, mean reciprocal rank, discounted gain."""

import math
from collections.abc import Sequence
from typing import Final

import msgspec
import torch
from torch import Tensor

__all__ = ["MISSED", "NOT_SCORED", "K", "Quality", "Scoreboard", "rank_of"]

K: Final = 20
# Ranks: 1 to K is a place in the recommendation that was served.
MISSED: Final = 0
NOT_SCORED: Final = -1
_GAIN_PLACES: Final = 10


class Quality(msgspec.Struct, frozen=True):
    """The contract's figures over ``scored`` events; all 0 where none was scored."""

    hit_rate_20: float
    mrr_20: float
    ndcg_10: float
    scored: int


def rank_of(target: Tensor, items: Tensor) -> Tensor:
    """Return the place of each target (int64[B]) among its items (int64[B, K]): int8[B], 1 is best, 0 missed.

    Examples
    --------
    >>> rank_of(torch.tensor([7, 8]), torch.tensor([[9, 7], [9, 7]])).tolist()
    [2, 0]
    """
    match = items == target[:, None]  # bool[B, K]
    place = match.to(torch.uint8).argmax(dim=1) + 1  # int64[B]
    return torch.where(match.any(dim=1), place, MISSED).to(torch.int8)


class Scoreboard:
    """Running totals of the places at which the items that came next had stood.

    Parameters
    ----------
    counts
        Those of a board to go on from.

    Examples
    --------
    >>> board = Scoreboard()
    >>> board.update_many(torch.tensor([1, 4, 0, -1], dtype=torch.int8))
    >>> board.quality.hit_rate_20, board.quality.mrr_20, board.quality.scored
    (0.6667, 0.4167, 3)
    """

    def __init__(self, counts: Sequence[int] = (0,) * (K + 1)) -> None:
        # How often each place was seen; 0 is a miss. The sums follow exactly, in any order of events.
        self._seen = torch.tensor(counts, dtype=torch.int64)

    def update_many(self, ranks: Tensor) -> None:
        """Count the ranks (int8[B]) of a batch; `NOT_SCORED` ones are passed over."""
        scored = ranks[ranks != NOT_SCORED].to("cpu", torch.int64)
        self._seen += torch.bincount(scored, minlength=K + 1)[: K + 1]

    @property
    def counts(self) -> list[int]:
        """How often each place was seen, from which another board goes on; the first are the misses."""
        counts: list[int] = self._seen.tolist()
        return counts

    @property
    def quality(self) -> Quality:
        """The figures so far."""
        seen = self._seen.tolist()
        scored = sum(seen)
        hits = range(1, K + 1)
        gain = sum(seen[place] * _gain(place) for place in hits if place <= _GAIN_PLACES)
        hit, reciprocal = sum(seen[1:]), sum(seen[place] / place for place in hits)
        means = [round(total / max(scored, 1), 4) for total in (hit, reciprocal, gain)]
        return Quality(means[0], means[1], means[2], scored)


def _gain(place: int) -> float:
    return 1 / math.log2(place + 1)
