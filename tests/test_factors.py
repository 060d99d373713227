"""Laws of the factorisations that learn event by event: by hand, and by River itself."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.biased_factors import BiasedFactors
from models.factors import Factors, best
from models.incremental_factors import IncrementalFactors

K = 20


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=3_000))
def test_each_key_keeps_its_row_however_many_come(keys: list[int]) -> None:
    factors = Factors(2, np.random.default_rng(0))
    for number, key in enumerate(dict.fromkeys(keys)):
        factors.row(key)[:] = number, 1
    assert list(factors.keys) == list(dict.fromkeys(keys))
    assert [factors.row(key)[0] for key in factors.keys] == list(range(len(factors.keys)))
    assert factors.scores(np.array([1, 2], np.float32)).tolist() == [
        it + 2 for it in range(len(factors.keys))
    ]


def test_rows_grow_past_their_first_room() -> None:
    factors = Factors(1, np.random.default_rng(0))
    drawn = [float(factors.row(key)[0]) for key in range(5_000)]
    assert [float(factors.row(key)[0]) for key in range(5_000)] == drawn
    # A normal distribution: 5,000 draws have a spread within 4 of its standard errors, 0.1 / sqrt(10,000).
    assert np.std(drawn) == pytest.approx(0.1, abs=0.004)


def test_a_step_of_isgd_by_hand() -> None:
    factors = IncrementalFactors()
    user, item = factors._users.row(1), factors._items.row(5)
    user[:], item[:] = 0, 0
    user[:2], item[:2] = (1, 0), (0.5, 1)
    factors.learn(1, [], 5, 0)
    # The error is 1 - 0.5. The user moves by 0.1 (0.5 item - 0.1 user), then the item with the user there.
    assert user[:2].tolist() == pytest.approx([1.015, 0.05])
    assert item[:2].tolist() == pytest.approx([0.5 + 0.1 * (0.5 * 1.015 - 0.05), 1 + 0.1 * (0.025 - 0.1)])


def test_isgd_ranks_by_how_near_a_product_is_to_one() -> None:
    factors = IncrementalFactors()
    factors._users.row(1)[:] = 1
    for item, product in ((5, 3.0), (6, 0.9), (7, -1.5), (8, 1.2)):
        factors._items.row(item)[:] = product / len(factors._items.row(item))
    assert factors.rank(1, [0], K) == [6, 8, 5, 7]
    assert factors.rank(1, [6], 2) == [8, 5]


@pytest.mark.parametrize("make", [IncrementalFactors, BiasedFactors])
def test_no_score_grows_without_bounds(make: type[IncrementalFactors | BiasedFactors]) -> None:
    draw, factors = random.Random(0), make()  # noqa: S311 - any reproducible draw will do
    for _ in range(10_000):
        factors.learn(draw.choice((1, 1, 1, 2)), [], draw.randint(1, 30), 0)
    assert np.abs(factors._items._values).max() < 10


def test_biased_factors_rank_all_items_as_river_scores_them() -> None:
    draw, factors = random.Random(0), BiasedFactors()  # noqa: S311 - likewise
    for _ in range(500):
        factors.learn(draw.randint(1, 9), [], draw.randint(1, 60), 0)
    for who in range(1, 10):
        scores = {item: factors._model.predict_one(who, item) for item in range(1, 61)}
        assert factors.rank(who, [7], 60) == sorted(scores.keys() - {7}, key=scores.__getitem__, reverse=True)


def test_river_is_taught_four_items_that_were_not_seen_for_each_that_was() -> None:
    draw, factors = random.Random(0), BiasedFactors()  # noqa: S311 - likewise
    for _ in range(2_000):
        factors.learn(1, [], draw.randint(1, 1_000), 0)
    # A drawn one that is the seen one is left out: about one in a thousand. At first there is but one item.
    assert factors._model.global_mean.get() == pytest.approx(1 / 5, abs=0.002)


def test_the_best_are_without_the_latest_as_many_as_asked() -> None:
    scores = Factors(1, np.random.default_rng(0)).scores(np.ones(1, np.float32))
    assert best([], scores, 5, K) == []
