"""What came of views that something was foretold of: each is held until that is known."""

from collections import deque
from typing import Final

import numpy as np

from models.batch import Floats
from models.calibration import WINDOW_HOURS
from models.chance_scores import ChanceQuality, ChanceScores
from models.conversions import HEADS, VIEW
from models.examples import Examples

__all__ = ["Verdicts"]

_WINDOW_MS: Final = WINDOW_HOURS * 3_600_000
_NAMES: Final = ("cart", "purchase")


class _View:
    """A view whose outcome is open."""

    __slots__ = ("came", "foretold", "ts")

    def __init__(self, ts: int, foretold: list[float]) -> None:
        self.ts, self.foretold = ts, foretold
        self.came = [False] * len(HEADS)


class Verdicts:
    """Scores of what was foretold of views, by what came of each within seven days of event time.

    A cart or purchase came of its user's latest view of the item, once; a purchase without a cart counts as
    one. A view is held until the user views the item again, or the seven days are over: that many views are
    the memory it takes. Those that are open at the end count as they stand then.

    Examples
    --------
    >>> Verdicts().quality
    {}
    """

    def __init__(self) -> None:
        self._open: dict[tuple[int, int], _View] = {}  # the latest view by user and item
        self._waiting: deque[tuple[int, tuple[int, int]]] = deque()  # times and keys of views, in order
        self._settled: list[_View] = []
        self._scores = [ChanceScores() for _ in HEADS]

    def update_many(self, examples: Examples, foretold: Floats) -> None:
        """Take in examples, in order, and what was foretold of the views among them, float32[A, V]."""
        columns = (examples.who, examples.item, examples.action, examples.ts)
        chances = iter(foretold.T.tolist())
        for who, item, action, ts in zip(*(column.tolist() for column in columns), strict=True):
            key = who, item
            if action == VIEW:
                if key in self._open:
                    self._settled.append(self._open.pop(key))
                self._open[key] = _View(ts, next(chances))
                self._waiting.append((ts, key))
            elif action in HEADS and (view := self._open.get(key)) and view.ts >= ts - _WINDOW_MS:
                step = HEADS.index(action)
                view.came[: step + 1] = [True] * (step + 1)
        if len(examples.ts):
            self._expire(int(examples.ts.max()) - _WINDOW_MS)
        _score(self._scores, self._settled)
        self._settled = []

    @property
    def quality(self) -> dict[str, ChanceQuality]:
        """The figures so far of carts and of purchases, where there were any."""
        scores = [score.copy() for score in self._scores]
        _score(scores, list(self._open.values()))
        found = zip(_NAMES, (score.quality for score in scores), strict=True)
        return {name: quality for name, quality in found if quality is not None}

    @property
    def open(self) -> int:
        """Views of which more may come."""
        return len(self._open)

    def _expire(self, before: int) -> None:
        """Settle views from before a time, in milliseconds since the Unix epoch."""
        while self._waiting and self._waiting[0][0] < before:
            ts, key = self._waiting.popleft()
            if key in self._open and self._open[key].ts == ts:  # not viewed again since
                self._settled.append(self._open.pop(key))


def _score(scores: list[ChanceScores], views: list[_View]) -> None:
    if not views:
        return
    foretold = np.array([view.foretold for view in views], np.float32)  # float32[n, A]
    came = np.array([view.came for view in views], np.bool_)
    for score, chances, outcomes in zip(scores, foretold.T, came.T, strict=True):
        score.update_many(chances, outcomes)
