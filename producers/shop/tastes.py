"""What the users of the made-up shop like, and how that drifts."""

from typing import Final

import numpy as np

from producers.shop.columns import Floats, Ints
from producers.shop.plan import DAY_MS, ShopPlan
from producers.shop.stock import DIMENSIONS, Stock

__all__ = ["Tastes"]

# Favourite categories of a user, and how much each counts next to the first.
_WEIGHTS: Final = np.array([1.0, 0.6, 0.4, 0.25])
# How likely a session begins in each of them.
_SHARES: Final = _WEIGHTS / _WEIGHTS.sum()
_BRANDS: Final = 2
# Some users come far more often than others.
_ACTIVITY_SIGMA: Final = 1.0
_MOOD_SIGMA: Final = 0.4


class Tastes:
    """Which taste each user has at which time, and the tastes.

    A sudden drift gives its users tastes that are drawn anew, around categories that have come into
    fashion; a gradual one turns all vectors, each in a plane of its own.

    Attributes
    ----------
    favourites
        The favourite leaf categories of a taste, best first: int64[T, F].
    brands
        Its favourite brands: int64[T, 2].
    level
        How dear it buys, on the scale of an item's level: float64[T].
    strictness
        How much it minds another price: float64[T].
    activity
        Which share of the sessions is each user's: float64[U].
    peak
        The time of the day when each user likes best to come, 0 to 1: float64[U].
    mood
        How ready each user is to buy at all, of mean 0: float64[U].
    is_bot
        Whether each user is none: bool[U].
    """

    def __init__(self, plan: ShopPlan, stock: Stock) -> None:
        rng = np.random.default_rng((plan.seed, 2))
        users = plan.users
        activity = rng.lognormal(sigma=_ACTIVITY_SIGMA, size=users)
        self.activity = activity / activity.sum()
        self.mood = rng.normal(0.0, _MOOD_SIGMA, users)
        self.is_bot = rng.random(users) < plan.bots
        self._start, self._gradual = plan.start, plan.gradual
        self._drifts = np.array(plan.drifts, np.int64)
        self._rows = _rows(rng, plan)
        changes = np.diff(self._rows.max(axis=1), prepend=-1)
        self.favourites = np.concatenate([_favourites(rng, stock, int(count)) for count in changes])
        tastes = len(self.favourites)
        self.peak = (stock.root[self.favourites[:users, 0]] + rng.random(users)) / (stock.root[-1] + 1)
        self.brands = _brands(rng, stock, self.favourites)
        self.level = rng.normal(size=tastes)
        self.strictness = rng.uniform(0.2, 1.0, tastes)
        plane = np.linalg.qr(rng.normal(size=(tastes, DIMENSIONS, 2)))[0]  # float64[T, D, 2]
        self._from, self._towards = plane[..., 0], plane[..., 1]

    def of(self, user: Ints, ts: Ints) -> Ints:
        """Return which taste each user has at that time, in milliseconds since the Unix epoch."""
        return self._rows[np.searchsorted(self._drifts, ts, side="right"), user]

    def vector(self, taste: Ints, ts: Ints) -> Floats:
        """Return where each taste stands at that time, of length 1: float64[..., D]."""
        angle = (self._gradual * (ts - self._start) / DAY_MS)[..., None]
        return np.asarray(np.cos(angle) * self._from[taste] + np.sin(angle) * self._towards[taste])

    def draw_leaf(self, rng: np.random.Generator, taste: Ints) -> Ints:
        """Return one of each taste's favourite categories."""
        return self.favourites[taste, np.searchsorted(np.cumsum(_SHARES)[:-1], rng.random(taste.shape))]

    def fondness(self, taste: Ints, leaf: Ints) -> Floats:
        """Return how much each taste likes that category, 0 to 1."""
        return np.asarray(((self.favourites[taste] == leaf[..., None]) * _WEIGHTS).sum(axis=-1))


def _rows(rng: np.random.Generator, plan: ShopPlan) -> Ints:
    """Return the taste of each user from the start, and from each sudden drift: int64[1 + drifts, U]."""
    rows = [np.arange(plan.users)]
    changing = round(plan.drift_share * plan.users)
    for _ in plan.drifts:
        row = rows[-1].copy()
        row[rng.permutation(plan.users)[:changing]] = rows[-1].max() + 1 + np.arange(changing)
        rows.append(row)
    return np.stack(rows)


def _favourites(rng: np.random.Generator, stock: Stock, tastes: int) -> Ints:
    """Return the favourites of tastes of one time; what is in fashion then is liked by many."""
    leaves = len(stock.first)
    fashion = np.log(rng.dirichlet(np.ones(leaves)) + 1e-9)
    return np.argsort(-(fashion + rng.gumbel(size=(tastes, leaves))), axis=1)[:, : len(_WEIGHTS)]


def _brands(rng: np.random.Generator, stock: Stock, favourites: Ints) -> Ints:
    """Return for each taste brands of items in its first category."""
    leaf = favourites[:, :1]
    place = rng.integers(stock.size[leaf], size=(len(leaf), _BRANDS))
    return np.asarray(stock.brand[stock.first[leaf] + place])
