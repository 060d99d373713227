"""The items of the made-up shop: where they stand in the tree, what they are like, when they come and go."""

from typing import Final

import numpy as np

from producers.shop.columns import Flags, Floats, Ints
from producers.shop.plan import DAY_MS, ShopPlan

__all__ = ["BRANCHES", "DIMENSIONS", "KINDS", "Stock"]

DIMENSIONS: Final = 8
# Within a leaf category: what a shopper chooses between, as running shoes and hiking boots are.
KINDS: Final = 4
# How much of an item's place in the space of tastes is its kind's, the rest its own; squares sum to 1.
_OF_KIND: Final = 0.8
_OWN: Final = 0.6
_ITEMS_PER_LEAF: Final = 150
_LEAVES: Final = (4, 2048)
# Branches at each step from the leaf towards the root.
BRANCHES: Final = 4
_BRANDS_PER_ROOT: Final = 12
_NEAR: Final = 4
# So many items has each leaf at least: one more than can stand near another.
_FEWEST: Final = 5
# What was there at the start came within so many days before it.
_OLDEST_DAYS: Final = 60
# Who comes stays half a day at least.
_SHORTEST_DAYS: Final = 0.5
# After the end of all shops, in milliseconds since the Unix epoch.
_NEVER: Final = 2**62
# More milliseconds than lie between any two births: 69 years.
_APART: Final = 2**41


class Stock:
    """The items, numbered leaf by leaf and, within a leaf, from the best known to the least.

    What is alike depends on the aspect. A sudden drift brings a new one, in which other items of a leaf
    stand near each other.

    Attributes
    ----------
    first, size
        Where each leaf's items begin, and how many they are: int64[L].
    root
        The root category of each leaf: int64[L].
    leaf, kind, brand
        Of each item: int64[I].
    vector
        Where each item stands in the space of tastes, of length about 1: float64[A, I, D].
    quality
        What all users find good about it, of mean 0 and deviation 1: float64[I].
    level
        How dear it is for its leaf, of mean 0 and deviation 1: float64[I].
    price
        In the shop's currency: float64[I].
    birth, death
        From when to when it is there, in milliseconds since the Unix epoch: int64[I].
    near
        The items of its leaf that stand nearest, nearest first: int64[A, I, 4].
    """

    def __init__(self, plan: ShopPlan) -> None:
        rng = np.random.default_rng((plan.seed, 1))
        leaves = int(np.clip(plan.items // _ITEMS_PER_LEAF, *_LEAVES))
        self.size = _leaf_sizes(rng, leaves, plan.items)
        self.first = np.concatenate(([0], np.cumsum(self.size)[:-1]))
        self.root = np.arange(leaves) // BRANCHES**2
        self.leaf = np.repeat(np.arange(leaves), self.size)
        self.kind = rng.integers(KINDS, size=plan.items)
        self.brand = self.root[self.leaf] * _BRANDS_PER_ROOT + rng.integers(_BRANDS_PER_ROOT, size=plan.items)
        # Each later aspect has random numbers of its own, and kinds that have no names.
        later = [np.random.default_rng((plan.seed, 1, aspect)) for aspect, _ in enumerate(plan.drifts, 1)]
        unnamed = [self._vector(one, one.integers(KINDS, size=plan.items)) for one in later]
        self.vector = np.stack([self._vector(rng, self.kind), *unnamed])
        self.quality = rng.normal(size=plan.items)
        self.level = rng.normal(size=plan.items)
        usual = rng.normal(3.5, 0.8, leaves)  # the logarithm of the leaf's middle price: about 33
        self.price = np.exp(usual[self.leaf] + 0.4 * self.level).round(2)
        self.birth, self.death = _lives(rng, plan, self.first)
        self.near = np.stack([self._nearest(aspect) for aspect in range(len(self.vector))])
        # Leaf by leaf, oldest first, and when each of them was born on a scale that leaves do not share.
        self._by_birth = np.lexsort((self.birth, self.leaf))
        self._oldest = int(self.birth.min())
        self._born = (self.leaf * _APART + self.birth - self._oldest)[self._by_birth]

    def is_there(self, item: Ints, since: Ints, until: Ints) -> Flags:
        """Return whether each item is there in all of that time, in milliseconds since the Unix epoch."""
        return np.asarray((self.birth[item] <= since) & (until < self.death[item]))

    def newest(self, leaf: Ints, ts: Ints, back: Ints) -> Ints:
        """Return the newest item of each leaf at that time, or the one born ``back`` items before it.

        Where the leaf has not so many, it is the oldest, which may still have to be born.
        """
        born = np.searchsorted(self._born, leaf * _APART + ts - self._oldest, side="right")
        return np.asarray(self._by_birth[np.maximum(born - 1 - back, self.first[leaf])])

    def _vector(self, rng: np.random.Generator, kind: Ints) -> Floats:
        """Return where items of those kinds stand in one aspect: float64[I, D]."""
        kinds = _unit(rng.normal(size=(len(self.first) * KINDS, DIMENSIONS)))
        own = _unit(rng.normal(size=(len(self.leaf), DIMENSIONS)))
        return np.asarray(_OF_KIND * kinds[self.leaf * KINDS + kind] + _OWN * own)

    def _nearest(self, aspect: int) -> Ints:
        near = np.empty((len(self.leaf), _NEAR), np.int64)
        for first, size in zip(self.first.tolist(), self.size.tolist(), strict=True):
            vectors = self.vector[aspect, first : first + size]
            alike = vectors @ vectors.T
            np.fill_diagonal(alike, -np.inf)
            few = np.argpartition(-alike, _NEAR, axis=1)[:, :_NEAR]
            order = np.argsort(-np.take_along_axis(alike, few, axis=1), axis=1)
            near[first : first + size] = first + np.take_along_axis(few, order, axis=1)
        return near


def _leaf_sizes(rng: np.random.Generator, leaves: int, items: int) -> Ints:
    """Return how many items each leaf has: int64[L]."""
    share = rng.lognormal(sigma=0.7, size=leaves)
    return _FEWEST + rng.multinomial(items - _FEWEST * leaves, share / share.sum())


def _unit(vectors: Floats) -> Floats:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True))


def _lives(rng: np.random.Generator, plan: ShopPlan, first: Ints) -> tuple[Ints, Ints]:
    """Return when each item comes and goes; the best known one of a leaf is always there."""
    items, span = plan.items, plan.end - plan.start
    birth = plan.start - 1 - rng.integers(_OLDEST_DAYS * DAY_MS, size=items)
    born = rng.random(items) < plan.births
    born[first] = False
    birth[born] = plan.start + rng.integers(1, span, size=items)[born]
    stays = np.maximum(birth, plan.start) + round(_SHORTEST_DAYS * DAY_MS)
    death = stays + (rng.random(items) * (plan.end - stays)).astype(np.int64)
    gone = (rng.random(items) < plan.deaths) & (stays < plan.end)
    gone[first] = False
    return birth, np.where(gone, death, _NEVER)
