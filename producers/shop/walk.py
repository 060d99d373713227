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
_NEARNESS: Final = 1.5
# Position bias: a place p, from 0, is looked at as often as 1 / (p + 1) says, to this power (Joachims,
# Swaminathan and Schnabel, Unbiased Learning-to-Rank with Biased Feedback, WSDM 2017).
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
        users = truth.plan.users
        self._lists = truth.plan.impressions
        self._bias = _BIAS if self._lists else 0.0
        self._latest = np.full((users, _REMEMBERED), -1)
        self._views = np.zeros(users, np.int64)

    def step(self, rng: np.random.Generator, user: Ints, ts: Ints, item: Ints) -> Step:
        """Return the next view of each user at its time; ``item`` is the one before, or -1.

        No user may be twice among them.
        """
        shown = self._shown(rng, user, ts, item)
        score = np.where(shown >= 0, self._score(user, ts, item, shown), -np.inf)
        place = np.argmax(score + rng.gumbel(size=score.shape), axis=1)
        chosen = shown[np.arange(len(user)), place]
        returns = np.minimum((self._latest[user] == chosen[:, None]).sum(axis=1), MOST_RETURNS)
        self._latest[user, self._views[user] % _REMEMBERED] = chosen
        self._views[user] += 1
        return Step(chosen, returns, shown, place)

    def _score(self, user: Ints, ts: Ints, item: Ints, shown: Ints) -> Floats:
        who, when = user[:, None], ts[:, None]
        score = self._truth.fit(who, shown, when) + _QUALITY * self._truth.appeal(shown, when)
        aspect = self._tastes.aspect[self._tastes.of(user, ts)]
        vector = self._stock.vector
        alike = np.einsum("scd,sd->sc", vector[aspect[:, None], shown], vector[aspect, item])
        score += np.where(item[:, None] < 0, 0.0, _NEARNESS * alike)
        score = np.where(self._tastes.is_bot[who], 0.0, score)
        return score - self._bias * np.log1p(np.arange(shown.shape[1]))

    def _shown(self, rng: np.random.Generator, user: Ints, ts: Ints, item: Ints) -> Ints:
        """Return what each session can choose from, -1 where a candidate cannot be: int64[S, C]."""
        offered, when = self._offer(rng, user, ts, item), ts[:, None]
        may = self._stock.is_there(offered, when - LEAD_MS, when) & (offered >= 0)
        may &= offered != item[:, None]
        if not self._lists:
            return np.where(may, offered, -1)
        # A list has each item once, and no gaps.
        shown = np.where(may & _is_first(offered), offered, -1)
        order = np.argsort(shown < 0, axis=1, kind="stable")
        return np.take_along_axis(shown, order, axis=1)[:, : self._lists]

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
        return rng.permuted(offered, axis=1)

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
