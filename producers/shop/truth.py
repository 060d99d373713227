"""What is true of the made-up shop: how likely each view leads to the cart and to a purchase, and why."""

from typing import Final, NamedTuple

import numpy as np

from producers.shop.columns import Floats, Ints
from producers.shop.plan import DAY_MS, ShopPlan
from producers.shop.rhythm import evening
from producers.shop.stock import Stock
from producers.shop.tastes import Tastes

__all__ = ["MOST_RETURNS", "Likelihood", "Truth"]

# What makes a user like an item: its category, its brand, and where it stands in the space of tastes.
_CATEGORY: Final = 1.4
_BRAND: Final = 0.5
_VECTOR: Final = 1.0
# What is in vogue rises and falls, as strongly as half a deviation of quality, each item in its own time.
_VOGUE: Final = 0.5
_VOGUE_DAYS: Final = (3.0, 12.0)
# Logits of the cart at a view, and of the purchase given the cart: about 7 % and 35 % on average.
_CART: Final = -4.6
_CLOSE: Final = -1.0
_CART_FIT: Final = 0.9
_CLOSE_FIT: Final = 0.3
_CART_QUALITY: Final = 0.4
_CLOSE_PRICE: Final = 0.7
_CART_RETURNS: Final = 0.45
_CART_EVENING: Final = 0.25
# Past so many returns there is nothing more in them.
MOST_RETURNS: Final = 3


class Likelihood(NamedTuple):
    """True probabilities of views: to lead to the cart, and to a purchase at any time later."""

    cart: Floats
    purchase: Floats


class Truth:
    """Says what is true of a shop, for any users, items and times; numbers as in a `Chunk`.

    A user puts an item into the cart with a probability, and buys what is in it with another; the
    logits of both are sums of what follows. ``returns`` is how often the user's latest views were of
    the item already. All arguments broadcast.

    Examples
    --------
    >>> truth = Truth(ShopPlan(users=10, items=100))
    >>> now = truth.plan.start
    >>> best = truth.best(3, now, 5)
    >>> bool(truth.likelihood(np.array(3), best, np.array(now)).purchase.argmax() == 0)
    True
    """

    def __init__(self, plan: ShopPlan) -> None:
        self.plan = plan
        self.stock = Stock(plan)
        self.tastes = Tastes(plan, self.stock)
        rng = np.random.default_rng((plan.seed, 3))
        self._vogue_days = rng.uniform(*_VOGUE_DAYS, plan.items)
        self._vogue_phase = rng.random(plan.items)

    @property
    def drifts(self) -> tuple[int, ...]:
        """When tastes change suddenly, in milliseconds since the Unix epoch."""
        return self.plan.drifts

    def appeal(self, item: Ints, ts: Ints) -> Floats:
        """Return what all users find good about each item: its quality, and whether it is in vogue."""
        turn = (ts - self.plan.start) / DAY_MS / self._vogue_days[item] + self._vogue_phase[item]
        return np.asarray(self.stock.quality[item] + _VOGUE * np.sin(2 * np.pi * turn))

    def fit(self, user: Ints, item: Ints, ts: Ints) -> Floats:
        """Return how much each user likes each item at that time."""
        taste = self.tastes.of(user, ts)
        vector = self.stock.vector[self.tastes.aspect[taste], item]
        alike = np.einsum("...d,...d->...", self.tastes.vector(taste, ts), vector)
        brand = (self.tastes.brands[taste] == self.stock.brand[item][..., None]).any(axis=-1)
        category = self.tastes.fondness(taste, self.stock.leaf[item])
        return np.asarray(_CATEGORY * category + _BRAND * brand + _VECTOR * alike)

    def misprice(self, user: Ints, item: Ints, ts: Ints) -> Floats:
        """Return how much each user minds that the item is dearer or cheaper than what it buys."""
        taste = self.tastes.of(user, ts)
        return self.tastes.strictness[taste] * np.abs(self.stock.level[item] - self.tastes.level[taste])

    def likelihood(self, user: Ints, item: Ints, ts: Ints, returns: Ints | int = 0) -> Likelihood:
        """Return the true probabilities of views, be the item there or not."""
        fit = self.fit(user, item, ts)
        cart = _CART + _CART_FIT * fit + _CART_QUALITY * self.appeal(item, ts) + self.tastes.mood[user]
        cart += _CART_RETURNS * np.minimum(returns, MOST_RETURNS) + _CART_EVENING * evening(ts)
        close = _CLOSE + _CLOSE_FIT * fit - _CLOSE_PRICE * self.misprice(user, item, ts)
        p_cart = np.where(self.tastes.is_bot[user], 0.0, _sigmoid(cart))
        return Likelihood(p_cart, p_cart * _sigmoid(close))

    def best(self, user: int, ts: int, k: int) -> Ints:
        """Return the k items that the user would most likely buy on a first view, of those that are there.

        Parameters
        ----------
        user
            Its number.
        ts
            Milliseconds since the Unix epoch.
        k
            How many; fewer come back where fewer are there.
        """
        now = np.array(ts)
        items = np.flatnonzero(self.stock.is_there(np.arange(self.plan.items), now, now))
        chance = self.likelihood(np.array(user), items, now).purchase
        return items[np.argsort(-chance, kind="stable")[:k]]


def _sigmoid(logit: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-logit)))
