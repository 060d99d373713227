"""Nearest sessions in plain dicts: a baseline that learns event by event."""

from collections import Counter, defaultdict, deque
from collections.abc import Sequence
from heapq import nlargest
from math import log
from operator import itemgetter
from typing import Final, NamedTuple

__all__ = ["SessionNeighbours"]

_SAMPLED: Final = 500  # newest sessions of an item that are compared
_NEIGHBOURS: Final = 100
_SPEAKING: Final = 9  # latest items of a session
_GAP_MS: Final = 3_600_000  # after which the next session begins


class _Session(NamedTuple):
    number: int
    ts: int


class SessionNeighbours:
    """VMIS-kNN, kept up to date event by event.

    (Kersbergen, Sprangers and Schelter, Serenade: Low-Latency Session-Based Recommendation in e-Commerce at
    Scale, SIGMOD 2022.)

    Examples
    --------
    >>> neighbours = SessionNeighbours()
    >>> for who, item in ((1, 5), (1, 6), (2, 5)):
    ...     neighbours.learn(who, [], item, ts=0)
    >>> neighbours.rank(2, [5], 20)
    [6]
    """

    def __init__(self) -> None:
        self._items: list[list[int]] = []  # by number of the session
        self._sessions: dict[int, deque[int]] = defaultdict(lambda: deque(maxlen=_SAMPLED))  # by item
        self._frequency: Counter[int] = Counter()  # sessions that an item is in
        self._of: dict[int, _Session] = {}  # by user

    def learn(self, who: int, history: Sequence[int], item: int, ts: int) -> None:  # noqa: ARG002 - as all rivals
        """Learn that a user's session has one more item."""
        now = self._of.get(who)
        if now is None or ts - now.ts > _GAP_MS:
            now = _Session(len(self._items), ts)
            self._items.append([])
        self._of[who] = _Session(now.number, ts)
        items = self._items[now.number]
        if item not in items:
            self._sessions[item].append(now.number)
            self._frequency[item] += 1
        items.append(item)

    def rank(self, who: int, history: Sequence[int], k: int) -> list[int]:
        """Return the best ``k`` items of the sessions most like the user's, without the latest one."""
        now = self._of.get(who)
        items = self._items[now.number] if now else list(history[-1:])
        similarity, nearest = self._similar(items[-_SPEAKING:], now.number if now else -1)
        chosen = nlargest(_NEIGHBOURS, similarity, key=lambda session: (similarity[session], session))
        scores: dict[int, float] = defaultdict(float)
        for session in chosen:
            weight = similarity[session] * max(0.0, 1 - 0.1 * nearest[session])
            for item in set(self._items[session]):
                scores[item] += weight * log((len(self._items) + 1) / self._frequency[item])
        scores.pop(history[-1], None)
        return [item for item, _ in nlargest(k, scores.items(), key=itemgetter(1))]

    def _similar(self, items: list[int], own: int) -> tuple[dict[int, float], dict[int, int]]:
        """Return how like each other session is, and how far back the newest item is that it shares."""
        similarity: dict[int, float] = defaultdict(float)
        nearest: dict[int, int] = {}
        for back, item in enumerate(reversed(items)):
            if item in items[len(items) - back :]:
                continue
            for session in self._sessions.get(item, ()):
                if session != own:
                    similarity[session] += (len(items) - back) / len(items)
                    nearest.setdefault(session, back + 1)
        return similarity, nearest
