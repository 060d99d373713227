"""The contract's scoring and the two baselines, written with lists and dicts: the oracle of the worker's own.

Each event is first tested and then learnt; nothing is batched, and of ``models`` only the event is used.
"""

import heapq
import math
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from models.events import Event

__all__ = ["PlainScores", "plain_scores"]

PLACES = 20
HALF_LIFE_EVENTS = 20_000
REFRESH_EVENTS = 64  # the popular list is sorted anew after so many


class PlainScores(NamedTuple):
    hit_rate_20: float
    mrr_20: float
    ndcg_10: float
    scored: int


class PlainPopularity:
    """Counts that halve every 20,000 events, by weighing later events more."""

    def __init__(self) -> None:
        self.mass: defaultdict[str, float] = defaultdict(float)
        self.events = 0
        self.popular: list[str] = []

    def learn(self, item: str) -> None:
        self.mass[item] += 2 ** (self.events / HALF_LIFE_EVENTS)
        if self.events % REFRESH_EVENTS == 0:
            self.popular = heapq.nlargest(3 * PLACES, self.mass, key=self.mass.__getitem__)
        self.events += 1


def plain_scores(events: Iterable[Event]) -> dict[str, PlainScores]:
    """Return the figures of ``pop`` and ``rep`` over events in the order of time."""
    popularity = PlainPopularity()
    recent: defaultdict[str, list[str]] = defaultdict(list)  # distinct, latest first
    ranks: dict[str, list[int]] = {"pop": [], "rep": []}
    for event in events:
        if event.event in ("refund", "remove_from_cart"):
            continue
        known = recent[event.user_id]
        if known and known[0] != event.item_id:
            rankings = {"pop": [], "rep": known[1 : PLACES + 1]}
            for name, first in rankings.items():
                more = [item for item in popularity.popular if item != known[0] and item not in first]
                ranks[name].append(place_of(event.item_id, [*first, *more][:PLACES]))
        popularity.learn(event.item_id)
        recent[event.user_id] = [event.item_id, *(item for item in known if item != event.item_id)]
    return {name: figures(places) for name, places in ranks.items()}


def place_of(item: str, ranking: list[str]) -> int:
    """Return the place from 1, or 0."""
    return ranking.index(item) + 1 if item in ranking else 0


def figures(places: list[int]) -> PlainScores:
    hits = [place for place in places if place]
    gain = sum(1 / math.log2(place + 1) for place in hits if place <= PLACES // 2)
    scored = max(len(places), 1)
    return PlainScores(
        len(hits) / scored, sum(1 / place for place in hits) / scored, gain / scored, len(places)
    )
