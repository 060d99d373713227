"""The truth of the made-up shop: what it says holds, and it says nothing that its traffic does not."""

import math

import numpy as np
import pytest
from shops import PLAN, SEEDS, shop, traffic

from models.events import Action
from producers.shop.columns import Floats
from producers.shop.plan import DAY_MS, HOUR_MS
from producers.shop.truth import Truth

DRIFT = PLAN.drifts[0]


def _numbers(*numbers: int) -> list[np.ndarray]:
    return [np.array(number) for number in numbers]


def _purchase(truth: Truth, user: int, item: int, ts: int) -> float:
    return float(truth.likelihood(*_numbers(user, item, ts)).purchase)


@pytest.mark.parametrize("seed", SEEDS)
def test_best_is_what_brute_force_finds(seed: int) -> None:
    truth, rng = shop(seed).truth, np.random.default_rng(seed)
    for user, ts in zip(rng.integers(PLAN.users, size=3), rng.integers(PLAN.start, PLAN.end, 3), strict=True):
        there = [
            item for item in range(PLAN.items) if truth.stock.birth[item] <= ts < truth.stock.death[item]
        ]
        ranked = sorted(there, key=lambda item: -_purchase(truth, user, item, ts))
        assert truth.best(user, ts, 20).tolist() == ranked[:20]
    assert len(truth.best(0, PLAN.start, 10**6)) < PLAN.items


def test_the_probability_is_what_plain_arithmetic_says() -> None:
    truth, user, item, ts = shop(0).truth, 7, 123, DRIFT - 5 * HOUR_MS
    tastes, stock = truth.tastes, truth.stock
    taste = int(tastes.of(*_numbers(user, ts)))
    assert taste == user
    liked = dict(zip(tastes.favourites[taste].tolist()[::-1], (0.25, 0.4, 0.6, 1.0), strict=True))
    vector = tastes.vector(*_numbers(taste, ts))
    days = (ts - PLAN.start) / DAY_MS
    fit = 1.4 * liked.get(int(stock.leaf[item]), 0.0) + 0.5 * (stock.brand[item] in tastes.brands[taste])
    fit += sum(float(a) * float(b) for a, b in zip(vector, stock.vector[0, item], strict=True))
    vogue = math.sin(2 * math.pi * (days / truth._vogue_days[item] + truth._vogue_phase[item]))
    appeal = stock.quality[item] + 0.5 * vogue
    evening = math.cos(2 * math.pi * (days - 20 / 24))
    cart = -4.6 + 0.9 * fit + 0.4 * appeal + tastes.mood[user] + 0.45 * 2 + 0.25 * evening
    close = -1.0 + 0.3 * fit - 0.7 * tastes.strictness[taste] * abs(stock.level[item] - tastes.level[taste])
    found = truth.likelihood(*_numbers(user, item, ts), returns=2)
    p_cart = 1 / (1 + math.exp(-cart))
    assert float(found.cart) == pytest.approx(p_cart)
    assert float(found.purchase) == pytest.approx(p_cart / (1 + math.exp(-close)))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_truth_asked_later_is_what_the_views_were_drawn_by(seed: int) -> None:
    views = traffic(seed).doing(Action.VIEW_ITEM)
    chance = shop(seed).truth.likelihood(views.user, views.item, views.view_ts, views.returns)
    np.testing.assert_array_equal(chance.cart, views.p_cart)
    np.testing.assert_array_equal(chance.purchase, views.p_purchase)
    assert (views.p_purchase < views.p_cart).all()
    assert 0.01 < views.p_purchase.mean() < 0.03
    assert 0.04 < views.p_cart.mean() < 0.09


def _purchases(truth: Truth, ts: int) -> Floats:
    """Return the probability of every user's purchase of every tenth item."""
    users, items = np.arange(PLAN.users)[:, None], np.arange(0, PLAN.items, 10)
    return truth.likelihood(users, items, np.array(ts)).purchase


@pytest.mark.parametrize("seed", SEEDS)
def test_after_a_drift_the_stated_share_has_other_tastes(seed: int) -> None:
    truth = shop(seed).truth
    before, after = (_purchases(truth, ts) for ts in (DRIFT - 1, DRIFT))
    changed = ~np.isclose(before, after, rtol=1e-4).all(axis=1)
    assert changed.mean() == pytest.approx(PLAN.drift_share, abs=1e-9)
    alike = [np.corrcoef(old, new)[0, 1] for old, new in zip(before, after, strict=True)]
    assert np.mean(np.array(alike)[changed]) < 0.8
    assert truth.drifts == (DRIFT,)


@pytest.mark.parametrize("seed", SEEDS)
def test_gradual_drift_is_small_within_an_hour_and_grows(seed: int) -> None:
    tastes, users = shop(seed).truth.tastes, np.arange(PLAN.users)
    start, hour, days = (tastes.vector(users, np.array(PLAN.start + ts)) for ts in (0, HOUR_MS, 30 * DAY_MS))
    np.testing.assert_allclose(np.linalg.norm(days, axis=1), 1.0)
    assert ((start * hour).sum(axis=1) > 0.99999).all()
    np.testing.assert_allclose((start * days).sum(axis=1), np.cos(30 * PLAN.gradual))


@pytest.mark.parametrize("seed", SEEDS)
def test_users_view_what_they_like(seed: int) -> None:
    views, truth = traffic(seed).doing(Action.VIEW_ITEM), shop(seed).truth
    others = np.random.default_rng(seed).permutation(views.user)
    liked, not_liked = (truth.fit(user, views.item, views.ts).mean() for user in (views.user, others))
    assert liked > not_liked + 0.3


@pytest.mark.parametrize("seed", SEEDS)
def test_new_items_are_soon_viewed_by_users_whom_they_fit(seed: int) -> None:
    views, truth = traffic(seed).doing(Action.VIEW_ITEM), shop(seed).truth
    birth = truth.stock.birth[views.item]
    young = views.take((birth >= PLAN.start) & (views.ts < birth + 12 * HOUR_MS))
    others = np.random.default_rng(seed).integers(PLAN.users, size=len(young.ts))
    assert (
        truth.fit(young.user, young.item, young.ts).mean()
        > truth.fit(others, young.item, young.ts).mean() + 0.3
    )
    born = np.flatnonzero((truth.stock.birth >= PLAN.start) & (truth.stock.birth < PLAN.end - 12 * HOUR_MS))
    assert np.isin(born, young.item).mean() > 0.9
