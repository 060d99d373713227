"""What the behaviour heads reach on the made-up shop, whose purchases come late and whose tastes drift."""

import pytest

from producers.shop.plan import ShopPlan
from stream.bench.behaviour import Figures, term

# Shorter than the benchmark's: some 80,000 events each.
PLAN = {"users": 3_000, "items": 400, "days": 8.0, "views_per_day": 10_000.0}


@pytest.fixture(scope="module")
def figures() -> Figures:
    return Figures.of([term(ShopPlan(seed=seed, **PLAN)) for seed in (0, 1)])


def test_late_purchases_cost_little(figures: Figures) -> None:
    assert figures.cost <= 0.005


def test_waiting_for_labels_costs_more(figures: Figures) -> None:
    assert figures.waiting_costs >= 0.01


def test_as_much_comes_as_was_foretold(figures: Figures) -> None:
    assert 0.97 <= figures.foretold_per_actual <= 1.03
