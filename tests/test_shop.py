"""The made-up shop: the same plan is the same traffic, and its traffic keeps the laws of its truth."""

import time
from collections import defaultdict, deque
from itertools import islice

import msgspec
import numpy as np
import pytest
from shops import PLAN, SEEDS, SHORT, shop, traffic

from models.events import Action
from producers.shop.columns import CODES, Chunk
from producers.shop.delays import share_later
from producers.shop.plan import HOUR_MS, ShopPlan
from producers.shop.rhythm import busyness
from producers.shop.shop import Shop


def _same(one: Chunk, other: Chunk) -> bool:
    return all(np.array_equal(left, right) for left, right in zip(one, other, strict=True))


@pytest.mark.parametrize("size", [1, 777, 10**9])
def test_the_size_of_chunks_changes_nothing(size: int) -> None:
    chunks = list(Shop(SHORT).chunks(size))
    assert _same(Chunk.joined(chunks), Chunk.joined(Shop(SHORT).chunks()))
    assert {len(chunk.ts) for chunk in chunks[:-1]} <= {size}


def test_a_shop_asked_again_says_the_same_and_another_seed_says_other() -> None:
    again = Shop(SHORT)
    assert _same(Chunk.joined(again.chunks()), Chunk.joined(again.chunks()))
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


@pytest.mark.parametrize("seed", SEEDS)
def test_a_user_is_in_one_session_at_a_time(seed: int) -> None:
    views = traffic(seed).doing(Action.VIEW_ITEM)
    order = np.lexsort((views.ts, views.user))
    user, session = views.user[order], views.session[order]
    runs = 1 + ((np.diff(user) != 0) | (np.diff(session) != 0)).sum()
    assert runs == len(np.unique(session))


@pytest.mark.parametrize("seed", SEEDS)
def test_users_like_what_comes_next_to_what_they_viewed(seed: int) -> None:
    views, stock = traffic(seed).doing(Action.VIEW_ITEM), shop(seed).truth.stock
    views = views.take(views.ts < PLAN.drifts[0])
    order = np.lexsort((views.ts, views.session))
    item, session = views.item[order], views.session[order]
    goes_on = session[1:] == session[:-1]
    beside = (stock.near[0, item[:-1]] == item[1:, None]).any(axis=1)
    assert beside[goes_on].mean() > 0.3
    assert beside[~goes_on].mean() < 0.1


@pytest.mark.parametrize("seed", SEEDS)
def test_who_visits_when_depends_on_the_hour(seed: int) -> None:
    views, truth = traffic(seed).doing(Action.VIEW_ITEM), shop(seed).truth
    hour = views.ts // HOUR_MS % 24
    root = truth.stock.root[truth.stock.leaf[views.item]]
    morning, night = (np.bincount(root[hour // 6 == part], minlength=1) for part in (1, 3))
    shares = np.zeros((2, max(len(morning), len(night))))
    shares[0, : len(morning)], shares[1, : len(night)] = morning / morning.sum(), night / night.sum()
    assert shares.shape[1] == 1 or np.abs(shares[0] - shares[1]).sum() > 0.02


def test_what_was_before_a_drift_is_as_without_it() -> None:
    calm = Chunk.joined(Shop(msgspec.structs.replace(PLAN, drift_at=())).chunks())
    drifting = traffic(PLAN.seed)
    before = calm.ts < PLAN.drifts[0]
    # A view before the drift may lead to something after it.
    assert _same(calm.take(before), drifting.take(drifting.ts < PLAN.drifts[0]))
    assert not np.array_equal(calm.item[~before][:1000], drifting.item[drifting.ts >= PLAN.drifts[0]][:1000])


def test_lists_show_what_is_viewed_and_the_first_places_are_viewed_more() -> None:
    plan = msgspec.structs.replace(SHORT, impressions=8, days=0.5)
    chunk = Chunk.joined(Shop(plan).chunks())
    lists, views = chunk.doing(Action.VIEW_ITEM_LIST), chunk.doing(Action.VIEW_ITEM)
    shown = set(zip(lists.view.tolist(), lists.item.tolist(), lists.position.tolist(), strict=True))
    assert len(shown) == len(lists.ts) > 5 * len(views.ts)
    assert shown >= set(zip(views.view.tolist(), views.item.tolist(), views.position.tolist(), strict=True))
    assert len({(view, item) for view, item, _ in shown}) == len(shown)
    for places in np.split(lists.position, np.flatnonzero(np.diff(lists.view)) + 1)[:1000]:
        assert places.tolist() == list(range(len(places)))
    taken = np.bincount(views.position, minlength=8) / np.bincount(lists.position, minlength=8)
    assert taken[0] > 1.5 * taken[2] > 2 * taken[7]
    plain = Chunk.joined(Shop(SHORT).chunks())
    assert (plain.position == -1).all()
    assert not len(plain.doing(Action.VIEW_ITEM_LIST).ts)


def test_bots_view_much_and_buy_nothing() -> None:
    bots = Shop(msgspec.structs.replace(SHORT, bots=0.1, days=0.5))
    chunk = Chunk.joined(bots.chunks())
    is_bot = bots.truth.tastes.is_bot[chunk.user]
    assert set(chunk.take(is_bot).action.tolist()) == {CODES[Action.VIEW_ITEM]}
    assert (chunk.p_cart[is_bot] == 0).all()
    views = chunk.doing(Action.VIEW_ITEM)
    assert 0.2 < bots.truth.tastes.is_bot[views.user].mean() < 0.8


def test_views_come_about_as_many_as_asked_for() -> None:
    for seed in SEEDS:
        views = traffic(seed).doing(Action.VIEW_ITEM)
        assert len(views.ts) / PLAN.days == pytest.approx(PLAN.views_per_day, rel=0.15)


def test_a_shop_without_events_is_empty() -> None:
    quiet = Shop(ShopPlan(users=1, items=20, days=0.01, views_per_day=0.001))
    assert list(quiet.chunks()) == []
    assert list(quiet.records()) == []


def test_fifty_thousand_events_a_second_are_made_up() -> None:
    start = time.perf_counter()
    made = sum(len(chunk.ts) for chunk in islice(shop(0).chunks(), 6))
    # The bound is a fifth of what is asked for: a test machine has more to do.
    assert made / (time.perf_counter() - start) > 10_000


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("seed", -1),
        ("users", 0),
        ("items", 19),
        ("days", float("inf")),
        ("views_per_day", float("nan")),
        ("drift_at", (3.1,)),
        ("drift_share", 1.5),
        ("swing", -0.1),
        ("impressions", 9),
        ("bots", float("nan")),
    ],
)
def test_a_plan_out_of_bounds_names_what_is_wrong(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=name):
        msgspec.structs.replace(PLAN, **{name: value})
