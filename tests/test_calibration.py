"""Laws of the ratio of what comes of views to what was foretold."""

import numpy as np
import pytest
import torch

from models.calibration import WINDOW_HOURS, Calibration

HOUR_MS = 3_600_000
START_MS = 1_700_000_000_000
TAILS = (2.0, 1.5)


def later(rng: np.random.Generator, count: int) -> np.ndarray:
    """Return delays in milliseconds: 60 % within the hour, some 18 % later than a day."""
    quick = rng.exponential(15 * 60_000, count)
    slow = rng.exponential(30 * HOUR_MS, count)
    return np.where(rng.random(count) < 0.6, quick, slow).astype(np.int64)


def told(hours: int, chance: float, foretold: float, seed: int) -> Calibration:
    """Return a calibration that was told hour by hour of 400 views, and of what has come by then."""
    rng, calibration = np.random.default_rng(seed), Calibration(TAILS)
    due = np.zeros((0, 2), np.int64)  # when it comes, and how long after the view
    for hour in range(hours):
        begin = START_MS + hour * HOUR_MS
        views = begin + rng.integers(0, HOUR_MS, 400)
        delay = later(rng, int(rng.binomial(400, chance)))
        due = np.concatenate([due, np.stack([views[: len(delay)] + delay, delay], axis=1)])
        now = due[due[:, 0] < begin + HOUR_MS]
        due = due[due[:, 0] >= begin + HOUR_MS]
        ts = torch.from_numpy(np.concatenate([views, now[:, 0]]))
        age = torch.from_numpy(np.concatenate([np.zeros(400, np.int64), now[:, 1]]))
        is_view = torch.arange(len(ts)) < len(views)
        calibration.update_many(ts, age, is_view.float().expand(2, -1) * foretold, ~is_view.expand(2, -1))
    return calibration


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("foretold", [0.05, 0.1, 0.2])
def test_the_ratio_makes_up_for_what_was_foretold(foretold: float, seed: int) -> None:
    ratio = told(10 * 24, 0.1, foretold, seed).ratio
    assert (ratio * foretold).tolist() == pytest.approx([0.1, 0.1], rel=0.08)


@pytest.mark.parametrize("seed", range(5))
def test_what_has_not_come_yet_is_not_missed(seed: int) -> None:
    ratio = told(12, 0.1, 0.1, seed).ratio
    assert 0.8 < float(ratio[1]) < 1.15  # about a third is still to come


def test_before_anything_is_known_nothing_is_changed() -> None:
    assert Calibration(TAILS).ratio.tolist() == pytest.approx([1.0, 1.0])
    assert told(1, 0.1, 0.5, 0).ratio.tolist() == pytest.approx([1.0, 1.0])


def test_what_comes_after_the_window_does_not_count() -> None:
    one, other = told(48, 0.1, 0.1, 0), told(48, 0.1, 0.1, 0)
    ts = torch.tensor([START_MS + 48 * HOUR_MS])
    nothing, came = torch.zeros(2, 1), torch.ones(2, 1, dtype=torch.bool)
    one.update_many(ts, ts * 0 + (WINDOW_HOURS + 1) * HOUR_MS, nothing, came)
    other.update_many(ts, ts * 0, nothing, ~came)
    assert one.state == other.state


def test_a_long_pause_forgets() -> None:
    calibration = told(48, 0.1, 0.05, 0)
    ts = torch.tensor([START_MS + 10**6 * HOUR_MS])
    for _ in range(2):  # of one alone the clock may be wrong
        calibration.update_many(ts, ts * 0, torch.zeros(2, 1), torch.zeros(2, 1, dtype=torch.bool))
    assert calibration.ratio.tolist() == pytest.approx([1.0, 1.0], abs=0.03)


def test_who_goes_on_from_a_state_goes_on_the_same() -> None:
    one, other = told(30, 0.1, 0.07, 0), Calibration(TAILS)
    other.restore(one.state)
    assert torch.equal(one.ratio, other.ratio)
    ts = torch.tensor([START_MS + 31 * HOUR_MS])
    for it in (one, other):
        it.update_many(ts, ts * 0, torch.ones(2, 1), torch.zeros(2, 1, dtype=torch.bool))
    assert one.state == other.state


@pytest.mark.parametrize("ahead", [1, 6, 23, 10**6])
def test_a_batch_of_a_wrong_clock_spoils_nothing(ahead: int) -> None:
    right, wrong = told(100, 0.1, 0.05, 0), told(100, 0.1, 0.05, 0)
    ts = torch.full((5,), START_MS + (99 + ahead) * HOUR_MS)
    nothing = torch.zeros(2, 5)
    wrong.update_many(ts, ts * 0, nothing, nothing.bool())
    for calibration in (right, wrong):
        for hour in range(99, 160):
            at = torch.full((5,), START_MS + hour * HOUR_MS)
            calibration.update_many(at, at * 0, nothing + 0.1, nothing.bool())
    assert wrong.ratio.tolist() == pytest.approx(right.ratio.tolist(), rel=0.05)


def test_an_old_log_begins_anew() -> None:
    calibration = told(240, 0.1, 0.05, 0)
    hour = calibration.state["hour"] - 10 * WINDOW_HOURS
    for number in range(4):
        at = torch.full((5,), (hour + number) * HOUR_MS)
        calibration.update_many(at, at * 0, torch.zeros(2, 5), torch.zeros(2, 5).bool())
    assert calibration.state["hour"] == hour + 3


def test_one_clock_that_is_a_day_ahead_spoils_nothing() -> None:
    calibration = Calibration([3.0, 1.5])
    hour, start = 3_600_000, 500_000 * 3_600_000
    came = torch.tensor([[True, False], [False, False]])
    for number in range(72):
        at = start + number * hour
        ahead = 24 * hour if number == 30 else 0
        # A view, and half an hour later what came of it: as much as was foretold.
        ts = torch.tensor([at + hour // 2, at + ahead])
        foretold = torch.tensor([[0.0, 1.0], [0.0, 0.0]])
        calibration.update_many(ts, torch.tensor([hour // 2, 0]), foretold, came)
        assert 0.5 < float(calibration.ratio[0]) < 1.5
