"""Laws of the test between two models: right as often as it says, however often one looks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.judgement import Interval, Judgement

ALPHA = 0.1
ZERO = np.zeros(1)
GRID = np.concatenate([-(2.0 ** np.arange(-1, -12, -1)), ZERO, 2.0 ** np.arange(-11, 0)])


def differences(rng: np.random.Generator, count: int, mean: float, discord: float = 0.1) -> np.ndarray:
    """Return differences of hits: 1 or -1 where the models differ."""
    drawn = rng.random(count)
    return np.where(drawn < (discord + mean) / 2, 1.0, np.where(drawn < discord, -1.0, 0.0))


def sign(judgement: Judgement) -> int:
    """Return 1 where the mean is above 0 for sure, -1 where below, 0 while neither is known."""
    low, high = judgement.interval
    return (low >= 0) - (high <= 0)


def test_nothing_is_known_of_nothing() -> None:
    judgement = Judgement(ALPHA, GRID)
    judgement.update_many(np.zeros(0))
    assert (judgement.interval, judgement.count) == (Interval(-1.0, 1.0), 0)


def test_equal_models_are_told_apart_no_more_often_than_alpha_says() -> None:
    """With a look after each of 3,000 differences; by chance 1 in 10 thousand such tests fails."""
    rng, wrong = np.random.default_rng(1), 0
    for _ in range(400):
        judgement = Judgement(ALPHA, ZERO)
        judgement.update_many(differences(rng, 3_000, 0.0))
        wrong += sign(judgement) != 0
    assert wrong <= 400 * ALPHA + 4 * np.sqrt(400 * ALPHA * (1 - ALPHA))


@pytest.mark.parametrize("mean", [0.02, -0.02])
def test_the_better_one_is_found(mean: float) -> None:
    rng, found = np.random.default_rng(2), []
    for _ in range(40):
        judgement = Judgement(ALPHA, ZERO)
        judgement.update_many(differences(rng, 8_000, mean))
        found.append(sign(judgement))
    assert np.mean(np.equal(found, np.sign(mean))) > 0.9


@pytest.mark.parametrize("mean", [-0.03, 0.0, 0.01, 0.05])
def test_the_mean_is_in_the_interval_and_that_becomes_narrow(mean: float) -> None:
    rng, judgement, before = np.random.default_rng(3), Judgement(0.001, GRID), Interval(-1.0, 1.0)
    for _ in range(40):
        judgement.update_many(differences(rng, 500, mean))
        low, high = judgement.interval
        assert before.low <= low <= mean <= high <= before.high
        before = judgement.interval
    assert judgement.interval.high - judgement.interval.low < 0.1


def test_a_bet_on_constant_differences_by_hand() -> None:
    """Each stake 2^-j has made (1 + 2^-j)^n after n times 1; a tenth of the money was on each."""
    judgement, stakes = Judgement(ALPHA, ZERO), 2.0 ** -np.arange(1, 11)
    needed = next(n for n in range(1, 99) if np.mean((1 + stakes) ** n) >= 2 / ALPHA)
    judgement.update_many(np.ones(needed - 1))
    assert sign(judgement) == 0
    judgement.update_many(np.ones(1))
    assert sign(judgement) == 1


@given(st.lists(st.floats(-1, 1), max_size=60), st.integers(1, 60))
def test_how_differences_are_batched_changes_nothing(drawn: list[float], size: int) -> None:
    whole, parts = Judgement(0.5, GRID), Judgement(0.5, GRID)
    all_of_them = np.array(drawn, float)
    whole.update_many(all_of_them)
    for start in range(0, len(drawn), size):
        parts.update_many(all_of_them[start : start + size])
    assert parts.interval == whole.interval
    assert parts.count == whole.count == len(drawn)


@pytest.mark.parametrize("bad", [1.5, -1.01, np.nan, np.inf])
def test_what_is_no_difference_is_refused(bad: float) -> None:
    judgement = Judgement(ALPHA, GRID)
    with pytest.raises(ValueError, match="from -1 to 1"):
        judgement.update_many(np.array([0.0, bad]))
    assert judgement.count == 0
