"""What others would use, test-then-train event by event beside the product: for evaluations alone."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import torch

from models.examples import Examples
from models.metrics import MISSED, NOT_SCORED, K, Quality, Scoreboard

__all__ = ["Rival", "Rivals"]

# Items of a history that are kept; the older half goes when there are twice as many.
_HISTORY: Final = 30


class Rival(Protocol):
    """A recommender that is asked and taught event by event: a user is a number, an item a key."""

    def rank(self, who: int, history: Sequence[int], k: int) -> list[int]:
        """Return up to ``k`` items for a user with a history, the newest last; never its latest item."""

    def learn(self, who: int, history: Sequence[int], item: int, ts: int) -> None:
        """Learn an event of a user, at ``ts`` in milliseconds since the Unix epoch."""


class Rivals:
    """Rivals with their scores; each sees every event before the next is ranked.

    Where a list is short it is filled with what is popular.

    Parameters
    ----------
    rivals
        By name.

    Examples
    --------
    >>> Rivals({}).quality
    {}
    """

    def __init__(self, rivals: Mapping[str, Rival]) -> None:
        self._rivals = rivals
        self._boards = {name: Scoreboard() for name in rivals}
        self._histories: dict[int, list[int]] = defaultdict(list)

    @property
    def quality(self) -> dict[str, Quality]:
        """The figures so far of each."""
        return {name: board.quality for name, board in self._boards.items()}

    @property
    def ranks(self) -> dict[str, list[int]]:
        """How often each place was seen, by name."""
        return {name: board.counts for name, board in self._boards.items()}

    def test_and_learn(self, examples: Examples, popular: Sequence[int]) -> None:
        """Score what each would have recommended before every example, then let it learn.

        ``popular`` fills up, the most popular first.
        """
        ranks: dict[str, list[int]] = {name: [] for name in self._rivals}
        columns = (examples.who, examples.item, examples.ts, examples.rank)
        for who, item, ts, rank in zip(*(column.tolist() for column in columns), strict=True):
            history = self._histories[who]
            for name, rival in self._rivals.items():
                if rank != NOT_SCORED:
                    listed = rival.rank(who, history, K)
                    ranks[name].append(_place(item, _filled(listed, popular, history[-1])))
                rival.learn(who, history, item, ts)
            _remember(history, item)
        for name, board in self._boards.items():
            board.update_many(torch.tensor(ranks[name], dtype=torch.int8))


def _filled(listed: list[int], popular: Sequence[int], latest: int) -> list[int]:
    if len(listed) < K:
        listed += [item for item in popular if item != latest and item not in listed]
    return listed[:K]


def _place(item: int, listed: list[int]) -> int:
    return listed.index(item) + 1 if item in listed else MISSED


def _remember(history: list[int], item: int) -> None:
    if history[-1:] != [item]:
        history.append(item)
    if len(history) > 2 * _HISTORY:
        del history[:_HISTORY]
