"""The made-up shop: the same plan is the same traffic, and its traffic keeps the laws of its truth."""

from collections import defaultdict, deque
from functools import cache

import numpy as np
import pytest

from models.events import Action
from producers.shop.columns import CODES, Chunk
from producers.shop.delays import share_later
from producers.shop.plan import DAY_MS, HOUR_MS, ShopPlan
from producers.shop.rhythm import busyness
from producers.shop.shop import Shop

SEEDS = range(5)
PLAN = ShopPlan(users=2_000, items=1_000, days=3.0, views_per_day=20_000.0, drift_at=(1.5,))


def plan(**changes: object) -> ShopPlan:
    return ShopPlan(**{name: getattr(PLAN, name) for name in PLAN.__struct_fields__} | changes)


@cache
def traffic(seed: int) -> Chunk:
    return Chunk.joined(Shop(plan(seed=seed)).chunks())


def _same(one: Chunk, other: Chunk) -> bool:
    return all(np.array_equal(left, right) for left, right in zip(one, other, strict=True))


@pytest.mark.parametrize("size", [1, 777, 10**9])
def test_the_size_of_chunks_changes_nothing(size: int) -> None:
    small = plan(days=0.05, drift_at=())
    chunks = list(Shop(small).chunks(size))
    assert _same(Chunk.joined(chunks), Chunk.joined(Shop(small).chunks()))
    assert {len(chunk.ts) for chunk in chunks[:-1]} <= {size}


def test_a_shop_asked_again_says_the_same_and_another_seed_says_other() -> None:
    shop = Shop(plan(days=0.05, drift_at=()))
    assert _same(Chunk.joined(shop.chunks()), Chunk.joined(shop.chunks()))
    assert not np.array_equal(traffic(0).user[:100], traffic(1).user[:100])


@pytest.mark.parametrize("seed", SEEDS)
def test_events_stand_in_the_order_of_time_while_the_shop_is_open(seed: int) -> None:
    chunk = traffic(seed)
    assert (np.diff(chunk.ts) >= 0).all()
    assert PLAN.start <= chunk.ts[0] <= chunk.ts[-1] < PLAN.end


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_happens_to_an_item_its_user_viewed_it_before(seed: int) -> None:
    chunk, viewed, carts, bought = traffic(seed), {}, set(), set()
    view, cart, purchase = (CODES[it] for it in (Action.VIEW_ITEM, Action.ADD_TO_CART, Action.PURCHASE))
    removal, refund = CODES[Action.REMOVE_FROM_CART], CODES[Action.REFUND]
    for number, action, user, item in zip(chunk.view, chunk.action, chunk.user, chunk.item, strict=True):
        if action == view:
            assert number not in viewed
            viewed[number] = (user, item)
        assert viewed[number] == (user, item)
        assert action not in (purchase, removal) or number in carts
        assert action != refund or number in bought
        (carts if action == cart else bought if action == purchase else set()).add(number)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("outcome", ["cart", "purchase"])
def test_views_lead_to_what_their_probability_says(seed: int, outcome: str) -> None:
    views = traffic(seed).doing(Action.VIEW_ITEM)
    chance = views.p_cart if outcome == "cart" else views.p_purchase
    carts = traffic(seed).doing(Action.ADD_TO_CART).view
    happened = np.isin(views.view, carts) if outcome == "cart" else views.purchase_ts > 0
    order = np.argsort(chance)
    for group in np.array_split(order, 10):
        spread = np.sqrt((chance[group] * (1 - chance[group])).sum())
        assert abs(happened[group].sum() - chance[group].sum()) < 4 * spread


@pytest.mark.parametrize("seed", SEEDS)
def test_purchases_come_as_late_as_stated(seed: int) -> None:
    views = traffic(seed).doing(Action.VIEW_ITEM)
    delay = (views.purchase_ts - views.view_ts)[views.purchase_ts > 0]
    for hours in (0.1, 0.5, 1, 6, 24, 48):
        share = share_later(np.array([round(hours * HOUR_MS)]))[0]
        spread = np.sqrt(share * (1 - share) / len(delay))
        assert abs((delay > hours * HOUR_MS).mean() - share) < 4 * spread
    assert 1_000 <= delay.min() <= delay.max() <= 72 * HOUR_MS


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_bought_while_the_shop_is_open_is_bought_when_the_truth_says(seed: int) -> None:
    views, orders = (traffic(seed).doing(action) for action in (Action.VIEW_ITEM, Action.PURCHASE))
    due = {
        view: ts
        for view, ts in zip(views.view.tolist(), views.purchase_ts.tolist(), strict=True)
        if 0 < ts < PLAN.end
    }
    assert due == dict(zip(orders.view.tolist(), orders.ts.tolist(), strict=True))


@pytest.mark.parametrize("seed", SEEDS)
def test_returns_are_counted_over_the_latest_views(seed: int) -> None:
    views = traffic(seed).doing(Action.VIEW_ITEM)
    latest: dict[int, deque[int]] = defaultdict(lambda: deque(maxlen=6))
    for user, item, returns in zip(views.user, views.item, views.returns, strict=True):
        assert returns == min(latest[user].count(item), 3)
        latest[user].append(item)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_hours_are_as_busy_as_stated(seed: int) -> None:
    views = traffic(seed).doing(Action.VIEW_ITEM)
    starts = views.ts[np.unique(views.session, return_index=True)[1]]
    hours = np.arange(PLAN.start, PLAN.end, HOUR_MS)
    expected = busyness(PLAN, hours + HOUR_MS // 2)
    found = np.bincount((starts - PLAN.start) // HOUR_MS, minlength=len(hours))
    rate = found.sum() / expected.sum()
    assert (np.abs(found - expected * rate) < 4.5 * np.sqrt(expected * rate)).all()
    by_hour = found.reshape(-1, 24).sum(axis=0)
    assert by_hour.max() / by_hour.mean() == pytest.approx(1.4, abs=0.1)
    assert by_hour.min() / by_hour.mean() == pytest.approx(0.6, abs=0.1)
    assert DAY_MS == 24 * HOUR_MS
