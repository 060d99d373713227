"""What the users of the made-up shop like, and how that drifts."""

from typing import Any, Final, NamedTuple

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
_STRICTNESS: Final = (0.2, 1.0)


class Tastes:
    """Which taste each user has at which time, and the tastes.

    A sudden drift gives its users tastes that are drawn anew, around categories that have come into
    fashion, and another aspect; a gradual one turns all vectors, each in a plane of its own.

    Attributes
    ----------
    favourites
        The favourite leaf categories of a taste, best first: int64[T, F].
    aspect
        In which aspect of the items it finds them alike: int64[T].
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
        activity = rng.lognormal(sigma=_ACTIVITY_SIGMA, size=plan.users)
        self.activity = activity / activity.sum()
        self.mood = rng.normal(0.0, _MOOD_SIGMA, plan.users)
        self.is_bot = rng.random(plan.users) < plan.bots
        changing = round(plan.drift_share * plan.users)
        counts = [plan.users, *[changing for _ in plan.drifts]]
        # Each sudden drift has random numbers of its own: all before it is as it were without it.
        drawn = [_drawn((plan.seed, 2, aspect), stock, count) for aspect, count in enumerate(counts)]
        columns: Any = (np.concatenate(columns) for columns in zip(*drawn, strict=True))
        self._drawn = _Drawn(*columns)
        self.aspect = np.repeat(np.arange(len(counts)), counts)
        self.favourites, self.brands = self._drawn.favourites, self._drawn.brands
        self.level, self.strictness = self._drawn.level, self._drawn.strictness
        at_home = stock.root[self.favourites[: plan.users, 0]] + rng.random(plan.users)
        self.peak = at_home / (stock.root[-1] + 1)
        self._start, self._gradual = plan.start, plan.gradual
        self._drifts = np.array(plan.drifts, np.int64)
        self._rows = _rows(plan, changing)

    def of(self, user: Ints, ts: Ints) -> Ints:
        """Return which taste each user has at that time, in milliseconds since the Unix epoch."""
        return self._rows[np.searchsorted(self._drifts, ts, side="right"), user]

    def vector(self, taste: Ints, ts: Ints) -> Floats:
        """Return where each taste stands at that time, of length 1: float64[..., D]."""
        plane = self._drawn.plane[taste]  # float64[..., D, 2]
        angle = (self._gradual * (ts - self._start) / DAY_MS)[..., None]
        return np.asarray(np.cos(angle) * plane[..., 0] + np.sin(angle) * plane[..., 1])

    def draw_leaf(self, rng: np.random.Generator, taste: Ints) -> Ints:
        """Return one of each taste's favourite categories."""
        return self.favourites[taste, np.searchsorted(np.cumsum(_SHARES)[:-1], rng.random(taste.shape))]

    def fondness(self, taste: Ints, leaf: Ints) -> Floats:
        """Return how much each taste likes that category, 0 to 1."""
        return np.asarray(((self.favourites[taste] == leaf[..., None]) * _WEIGHTS).max(axis=-1))


class _Drawn(NamedTuple):
    """Tastes of one time, column by column; ``plane`` has two directions at right angles."""

    favourites: Ints
    brands: Ints
    level: Floats
    strictness: Floats
    plane: Floats  # float64[T, D, 2]


def _drawn(seed: tuple[int, int, int], stock: Stock, tastes: int) -> _Drawn:
    """Return so many new tastes; the last of ``seed`` is the aspect in which they find items alike."""
    rng = np.random.default_rng(seed)
    favourites = _favourites(rng, stock, tastes)
    plane = np.linalg.qr(rng.normal(size=(tastes, DIMENSIONS, 2)))[0]
    return _Drawn(
        favourites=favourites,
        brands=_brands(rng, stock, favourites),
        level=rng.normal(size=tastes),
        strictness=rng.uniform(*_STRICTNESS, tastes),
        plane=plane,
    )


def _rows(plan: ShopPlan, changing: int) -> Ints:
    """Return the taste of each user from the start, and from each sudden drift: int64[1 + drifts, U]."""
    rows = [np.arange(plan.users)]
    for drift in range(len(plan.drifts)):
        row = rows[-1].copy()
        who = np.random.default_rng((plan.seed, 7, drift)).permutation(plan.users)[:changing]
        row[who] = plan.users + drift * changing + np.arange(changing)
        rows.append(row)
    return np.stack(rows)


def _favourites(rng: np.random.Generator, stock: Stock, tastes: int) -> Ints:
    """Return the favourites of new tastes; what is in fashion then is liked by many.

    One may come twice.
    """
    fashion = np.cumsum(rng.dirichlet(np.ones(len(stock.first))))
    return np.searchsorted(fashion[:-1], rng.random((tastes, len(_WEIGHTS))), side="right")


def _brands(rng: np.random.Generator, stock: Stock, favourites: Ints) -> Ints:
    """Return for each taste brands of items in its first category."""
    leaf = favourites[:, :1]
    place = rng.integers(stock.size[leaf], size=(len(leaf), _BRANDS))
    return np.asarray(stock.brand[stock.first[leaf] + place])
