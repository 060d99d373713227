"""From view to view: which item a user looks at next.

Each step offers a session some candidates, and one of them is drawn by a softmax over how much the user
likes them, how good they are and how near the item before they stand (the Gumbel trick: the largest of
score plus Gumbel noise is such a draw; Yellott 1977).
"""

from typing import Final, NamedTuple

import numpy as np

from producers.shop.columns import Flags, Floats, Ints
from producers.shop.truth import MOST_RETURNS, Truth

__all__ = ["LEAD_MS", "Step", "Walk"]

# So long a list is looked at before one of its items is viewed.
LEAD_MS: Final = 3_000

# Where candidates come from, by their columns: beside the item before, well-known ones of its category,
# the newest there, well-known ones of a favourite category, the newest there, and what was viewed before.
_BESIDE: Final = 3
_KNOWN: Final = 1
_FRESH: Final = 1
_LIKED: Final = 1
_LIKED_FRESH: Final = 1
_BEFORE: Final = 1
_NEWEST: Final = 8
_REMEMBERED: Final = 6
_QUALITY: Final = 0.5
_NEARNESS: Final = 1.0
# Position bias: a place p is looked at as often as 1 / (p + 1) says, to this power (Joachims 2005).
_BIAS: Final = 0.7


class Step(NamedTuple):
    """One view of each session that goes on, and what was offered."""

    item: Ints  # int64[S], -1 where nothing that was offered was there
    returns: Ints  # int64[S]
    shown: Ints  # int64[S, C], -1 where nothing was
    place: Ints  # int64[S]


class Walk:
    """Chooses views one after the other, and remembers each user's latest ones."""

    def __init__(self, truth: Truth) -> None:
        self._truth = truth
        self._stock, self._tastes = truth.stock, truth.tastes
        users, lists = truth.plan.users, truth.plan.impressions
        self._shown = lists or _BESIDE + _KNOWN + _FRESH + _LIKED + _LIKED_FRESH + _BEFORE
        self._bias = _BIAS if lists else 0.0
        self._latest = np.full((users, _REMEMBERED), -1)
        self._views = np.zeros(users, np.int64)

    def step(self, rng: np.random.Generator, user: Ints, ts: Ints, item: Ints) -> Step:
        """Return the next view of each user at its time; ``item`` is the one before, or -1.

        No user may be twice among them.
        """
        offered = self._offer(rng, user, ts, item)
        score = self._score(user, ts, item, offered)
        place = np.argmax(score + rng.gumbel(size=score.shape), axis=1)
        rows = np.arange(len(user))
        chosen = np.where(np.isneginf(score[rows, place]), -1, offered[rows, place])
        returns = np.minimum((self._latest[user] == chosen[:, None]).sum(axis=1), MOST_RETURNS)
        self._latest[user, self._views[user] % _REMEMBERED] = chosen
        self._views[user] += 1
        return Step(chosen, returns, np.where(np.isneginf(score), -1, offered), place)

    def _score(self, user: Ints, ts: Ints, item: Ints, offered: Ints) -> Floats:
        who, when, before = user[:, None], ts[:, None], item[:, None]
        score = self._truth.fit(who, offered, when) + _QUALITY * self._truth.appeal(offered, when)
        aspect = self._tastes.aspect[self._tastes.of(user, ts)]
        vector = self._stock.vector
        alike = np.einsum("scd,sd->sc", vector[aspect[:, None], offered], vector[aspect, item])
        score += np.where(before < 0, 0.0, _NEARNESS * alike)
        score = np.where(self._tastes.is_bot[who], 0.0, score)
        score -= self._bias * np.log1p(np.arange(offered.shape[1]))
        may = self._stock.is_there(offered, when - LEAD_MS, when) & (offered >= 0) & (offered != before)
        if self._bias:
            may &= _is_first(offered)
        return np.where(may, score, -np.inf)

    def _offer(self, rng: np.random.Generator, user: Ints, ts: Ints, item: Ints) -> Ints:
        """Return candidates in a random order, -1 where there is none: int64[S, C]."""
        taste = self._tastes.of(user, ts)
        liked = self._tastes.draw_leaf(rng, taste)
        here = np.where(item < 0, liked, self._stock.leaf[item])
        aspect, near = self._tastes.aspect[taste][:, None], self._stock.near
        beside = near[aspect, item[:, None], rng.integers(near.shape[2], size=(len(user), _BESIDE))]
        beside = np.where(item[:, None] < 0, self._known(rng, here, _BESIDE), beside)
        before = self._latest[user[:, None], rng.integers(_REMEMBERED, size=(len(user), _BEFORE))]
        known, liked_known = self._known(rng, here, _KNOWN), self._known(rng, liked, _LIKED)
        fresh, liked_fresh = self._fresh(rng, here, ts, _FRESH), self._fresh(rng, liked, ts, _LIKED_FRESH)
        offered = np.concatenate((beside, known, fresh, liked_known, liked_fresh, before), axis=1)
        return rng.permuted(offered, axis=1)[:, : self._shown]

    def _known(self, rng: np.random.Generator, leaf: Ints, count: int) -> Ints:
        uniform = rng.random((len(leaf), count))
        place = self._stock.size[leaf, None] * uniform * uniform * uniform
        return self._stock.first[leaf, None] + place.astype(np.int64)

    def _fresh(self, rng: np.random.Generator, leaf: Ints, ts: Ints, count: int) -> Ints:
        back = (_NEWEST * rng.random((len(leaf), count)) ** 2).astype(np.int64)
        return self._stock.newest(leaf[:, None], ts[:, None], back)


def _is_first(offered: Ints) -> Flags:
    """Return whether each item of a list stands nowhere before in it."""
    alike = offered[:, :, None] == offered[:, None, :]  # bool[S, C, C]
    return np.asarray(alike.argmax(axis=2) == np.arange(offered.shape[1]))
