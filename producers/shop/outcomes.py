"""What views lead to: carts, purchases and refunds, each at its time, by the toss of a coin."""

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

from models.events import Action
from producers.shop.columns import CODES, Chunk, Flags, Floats, Ints
from producers.shop.delays import draw_delays
from producers.shop.plan import DAY_MS
from producers.shop.truth import Truth
from producers.shop.visits import Views
from producers.shop.walk import LEAD_MS

__all__ = ["Numbers", "outcomes"]

# Into the cart half a minute after the view, unless the purchase itself is quicker.
_CART_MS: Final = (5_000, 45_000)
# Of what is in the cart and not bought, so much is taken out, within ten minutes.
_REMOVED: Final = 0.25
_REMOVED_MS: Final = (30_000, 600_000)
# Of what is bought, so much is sent back, a day to two weeks later.
_REFUNDED: Final = 0.06
_REFUNDED_MS: Final = (DAY_MS, 14 * DAY_MS)


class Numbers(NamedTuple):
    """How many views and sessions came before."""

    views: int
    sessions: int

    def after(self, drawn: Views) -> "Numbers":
        """Return the numbers after these views too."""
        sessions = int(drawn.session.max(initial=-1)) + 1
        return Numbers(self.views + len(drawn.ts), self.sessions + sessions)


def outcomes(rng: np.random.Generator, truth: Truth, views: Views, before: Numbers) -> Chunk:
    """Return all events that the views lead to, themselves included, in no order."""
    chance = truth.likelihood(views.user, views.item, views.ts, views.returns)
    count = len(views.ts)
    coin, delay = rng.random(count), draw_delays(rng, count)
    lists = truth.plan.impressions > 0
    viewed = Chunk(
        ts=views.ts,
        user=views.user,
        item=views.item,
        action=np.full(count, CODES[Action.VIEW_ITEM]),
        view=before.views + np.arange(count),
        session=before.sessions + views.session,
        position=views.place if lists else np.full(count, -1),
        view_ts=views.ts,
        returns=views.returns,
        p_cart=chance.cart,
        p_purchase=chance.purchase,
        purchase_ts=np.where(coin < chance.purchase, views.ts + delay, 0),
    )
    follow = _follow(rng, viewed, coin, delay)
    return Chunk.joined((viewed, *follow, *([_shown(viewed, views)] if lists else [])))


def _follow(rng: np.random.Generator, viewed: Chunk, coin: Floats, delay: Ints) -> Iterator[Chunk]:
    """Yield what follows the views: whoever buys has put it into the cart."""
    count = len(coin)
    in_cart, bought = coin < viewed.p_cart, viewed.purchase_ts > 0
    cart_ts = viewed.ts + np.minimum(rng.integers(*_CART_MS, count), delay // 2)
    yield _later(viewed, Action.ADD_TO_CART, cart_ts, in_cart)
    removed = in_cart & ~bought & (rng.random(count) < _REMOVED)
    yield _later(viewed, Action.REMOVE_FROM_CART, cart_ts + rng.integers(*_REMOVED_MS, count), removed)
    yield _later(viewed, Action.PURCHASE, viewed.purchase_ts, bought)
    refunded = bought & (rng.random(count) < _REFUNDED)
    yield _later(viewed, Action.REFUND, viewed.purchase_ts + rng.integers(*_REFUNDED_MS, count), refunded)


def _later(viewed: Chunk, action: Action, ts: Ints, which: Flags) -> Chunk:
    return viewed._replace(ts=ts, action=np.full(len(ts), CODES[action])).take(which)


def _shown(viewed: Chunk, views: Views) -> Chunk:
    """Return an impression for each item of the list that a view was chosen from."""
    row, place = np.nonzero(views.shown >= 0)
    return viewed.take(row)._replace(
        ts=viewed.ts[row] - LEAD_MS,
        item=views.shown[row, place],
        action=np.full(len(row), CODES[Action.VIEW_ITEM_LIST]),
        position=place,
    )
