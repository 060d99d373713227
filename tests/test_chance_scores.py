"""Laws of the scores of probabilities; River's metrics and all pairs are the oracles."""

import math

import numpy as np
import pytest
from river import metrics

from models.batch import Bools, Floats
from models.chance_scores import ChanceQuality, ChanceScores

SEEDS = range(5)


def drawn(seed: int, count: int = 2_000) -> tuple[Floats, Bools]:
    """Return probabilities, some alike, and what came of them."""
    rng = np.random.default_rng(seed)
    chance = 1 / (1 + np.exp(-rng.normal(-2, 1.5, count)))
    chance[::7] = 0.25
    return chance.astype(np.float32), rng.random(count) < chance


def scored(chance: Floats, came: Bools) -> ChanceQuality:
    scores = ChanceScores()
    for part in np.array_split(np.arange(len(came)), 7):
        scores.update_many(chance[part], came[part])
    found = scores.quality
    assert found is not None
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_auc_is_the_share_of_pairs_in_order(seed: int) -> None:
    chance, came = drawn(seed)
    true, false = chance[came][:, None], chance[~came][None]
    pairs = (true > false) + (true == false) / 2
    assert scored(chance, came).auc == pytest.approx(pairs.mean(), abs=5e-4)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_others_are_those_of_river(seed: int) -> None:
    chance, came = drawn(seed)
    found = scored(chance, came)
    loss, f1, recall, accuracy = metrics.LogLoss(), metrics.F1(), metrics.Recall(), metrics.Accuracy()
    for one, outcome in zip(chance.tolist(), came.tolist(), strict=True):
        loss.update(outcome, one)
        for metric in (f1, recall, accuracy):
            metric.update(outcome, one >= found.threshold)
    assert found.log_loss == pytest.approx(loss.get(), abs=1e-4)
    ours = found.f1, found.recall, found.accuracy
    assert ours == pytest.approx([it.get() for it in (f1, recall, accuracy)], abs=0.01)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_other_threshold_has_a_better_f1(seed: int) -> None:
    chance, came = drawn(seed)
    found = scored(chance, came)
    for threshold in np.linspace(0.01, 0.99, 99):
        said = chance >= threshold
        assert 2 * (said & came).sum() / (said.sum() + came.sum()) <= found.f1 + 0.005


def test_who_says_the_share_has_an_entropy_of_one_and_a_ratio_of_one() -> None:
    came = np.arange(1_000) % 10 == 0
    found = scored(np.full(1_000, 0.1, np.float32), came)
    assert (found.normalised_entropy, found.foretold_per_actual, found.auc) == pytest.approx((1.0, 1.0, 0.5))
    assert found.log_loss == pytest.approx(-0.1 * math.log(0.1) - 0.9 * math.log(0.9), abs=1e-4)
    assert (found.scored, found.positives) == (1_000, 100)


def test_without_both_outcomes_there_are_no_figures() -> None:
    scores = ChanceScores()
    assert scores.quality is None
    for came in (np.ones(3, np.bool_), np.zeros(3, np.bool_)):
        alone = ChanceScores()
        alone.update_many(np.array([0.0, 0.5, 1.0], np.float32), came)
        assert alone.quality is None


def test_certainty_that_was_wrong_is_no_infinity() -> None:
    found = scored(np.array([0, 1, 0, 1], np.float32), np.array([True, False, False, True]))
    assert math.isfinite(found.log_loss)
    assert found.auc == pytest.approx(0.5)


def test_a_copy_goes_on_alone() -> None:
    chance, came = drawn(0)
    scores = ChanceScores()
    scores.update_many(chance, came)
    before = scores.quality
    scores.copy().update_many(chance[:5], came[:5])
    assert scores.quality == before
