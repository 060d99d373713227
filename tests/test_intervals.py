"""Laws of intervals: they cover the truth as often as they say, and see that a user's events are alike."""

import numpy as np
import pytest
import torch

from models.intervals import Intervals, _poisson

RATE = 0.3
EACH = 10  # events of a user


def drawn(users: int, seed: int, *, alike: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Return users and ranks; a user's events are all hits or all misses where they are ``alike``."""
    random = np.random.default_rng(seed)
    who = np.repeat(random.integers(1, 2**60, users), EACH)
    hit = random.random(users).repeat(EACH) < RATE if alike else random.random(users * EACH) < RATE
    return torch.from_numpy(who), torch.from_numpy(hit.astype(np.int8))


@pytest.mark.parametrize("alike", [True, False])
def test_they_cover_the_truth_in_19_of_20_cases(*, alike: bool) -> None:
    covered = 0
    for seed in range(200):
        intervals = Intervals()
        intervals.update_many(*drawn(150, seed, alike=alike))
        covered += intervals.hit_rate.low <= RATE <= intervals.hit_rate.high
    assert 0.9 <= covered / 200 <= 0.99


def test_alike_events_say_less() -> None:
    widths = []
    for alike in (True, False):
        intervals = Intervals()
        intervals.update_many(*drawn(400, 1, alike=alike))
        widths.append(intervals.hit_rate.high - intervals.hit_rate.low)
    assert widths[0] == pytest.approx(EACH**0.5 * widths[1], rel=0.35)


def test_how_events_are_batched_changes_nothing() -> None:
    who, ranks = drawn(50, 3, alike=False)
    whole, parts = Intervals(), Intervals()
    whole.update_many(who, ranks)
    for piece in range(0, len(who), 7):
        parts.update_many(who[piece : piece + 7], ranks[piece : piece + 7])
    assert whole.hit_rate == parts.hit_rate
    assert whole.reciprocal_rank == parts.reciprocal_rank


def test_what_was_not_scored_does_not_count() -> None:
    who, ranks = drawn(50, 3, alike=False)
    intervals, more = Intervals(), Intervals()
    intervals.update_many(who, ranks)
    more.update_many(torch.cat([who, who]), torch.cat([ranks, torch.full_like(ranks, -1)]))
    assert intervals.hit_rate == more.hit_rate


def test_the_variables_are_of_mean_and_variance_1() -> None:
    found = _poisson(torch.arange(1, 2_000))
    assert float(found.mean()) == pytest.approx(1, abs=0.01)
    assert float(found.var()) == pytest.approx(1, abs=0.02)
    assert abs(float(torch.corrcoef(found[:, :2].T)[0, 1])) < 0.1
