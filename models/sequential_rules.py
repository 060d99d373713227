"""Sequential rules in plain dicts: a baseline that learns event by event."""

from collections import defaultdict
from collections.abc import Sequence
from heapq import nlargest
from math import sqrt
from operator import itemgetter
from typing import Final

__all__ = ["SequentialRules"]

# An item follows those up to so many places before it, and each of the latest so many speaks.
_LEARNT: Final = 3
_SPEAKING: Final = 5
_FADE: Final = 0.98  # of a rule each time it is seen
_NEARER: Final = 0.8  # what an item speaks less for each place further back
# Rules of an item at most; then the lightest quarter goes.
_RULES: Final = 300


class SequentialRules:
    """Ranks what followed the latest items of a user, by 1 / distance.

    (Ludewig and Jannach, Evaluation of Session-based Recommendation Algorithms, UMUAI 2018.)

    Examples
    --------
    >>> rules = SequentialRules()
    >>> rules.learn(1, [5, 6], 7, ts=0)
    >>> rules.rank(2, [6], 20)
    [7]
    """

    def __init__(self) -> None:
        self._rules: dict[int, dict[int, float]] = defaultdict(dict)  # weights, by item and what followed it

    def learn(self, who: int, history: Sequence[int], item: int, ts: int) -> None:  # noqa: ARG002 - as all rivals
        """Learn that ``item`` followed the user's history, the newest last."""
        for distance, before in enumerate(reversed(history[-_LEARNT:]), start=1):
            if before == item:
                continue
            rules = self._rules[before]
            rules[item] = _FADE * rules.get(item, 0) + 1 / distance
            if len(rules) > _RULES:
                for lightest in sorted(rules, key=rules.__getitem__)[: _RULES // 4]:
                    del rules[lightest]

    def rank(self, who: int, history: Sequence[int], k: int) -> list[int]:  # noqa: ARG002 - as all rivals
        """Return the best ``k`` items to follow a history, without its latest."""
        scores: dict[int, float] = defaultdict(float)
        for back, before in enumerate(reversed(history[-_SPEAKING:])):
            rules = self._rules.get(before, {})
            weight = _NEARER**back / sqrt(sum(rules.values()) or 1)
            for item, count in rules.items():
                scores[item] += weight * count
        scores.pop(history[-1], None)
        return [item for item, _ in nlargest(k, scores.items(), key=itemgetter(1))]
