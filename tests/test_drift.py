"""Laws of the detectors of drift: quiet where nothing happens, and quick where something does."""

from collections.abc import Iterable

import numpy as np
import pytest

from models.drift import Alarm, DriftDetector

HOUR_MS = 3_600_000
AN_HOUR = 2_000  # values
SEEDS = pytest.mark.parametrize("seed", range(5))


def days(seed: int, chances: Iterable[float]) -> tuple[np.ndarray, np.ndarray]:
    """Return times and values, 0 or 1, of hours with these chances of 1."""
    rng, wanted = np.random.default_rng(seed), np.repeat(np.array(list(chances)), AN_HOUR)
    ts = (np.arange(len(wanted)) * HOUR_MS) // AN_HOUR
    return ts, (rng.random(len(wanted)) < wanted).astype(float)


def alarms_of(ts: np.ndarray, values: np.ndarray, detector: DriftDetector | None = None) -> list[Alarm]:
    """Return the alarms of a detector that hears batch by batch."""
    detector = detector or DriftDetector("missed")
    places = np.split(np.arange(len(ts)), range(60, len(ts), 60))
    filled = [run for run in places if len(run)]
    return [alarm for run in filled for alarm in detector.update_many(int(ts[run[0]]), values[run])]


def rhythm(hour: int) -> float:
    """Return the chance of a miss in an hour: higher in the evening, and on Sundays."""
    evening, sunday = hour % 24 >= 18, hour // 24 % 7 == 6
    return 0.4 + 0.05 * evening + 0.02 * sunday


@SEEDS
def test_the_rhythm_of_the_days_raises_no_alarm(seed: int) -> None:
    assert alarms_of(*days(seed, map(rhythm, range(9 * 24)))) == []


@SEEDS
def test_a_sudden_rise_is_noticed_within_some_thousand_values_and_once(seed: int) -> None:
    ts, values = days(seed, [0.4] * 110 + [0.46] * 20)
    (alarm,) = alarms_of(ts, values)
    assert 110 * HOUR_MS < alarm.ts < 114 * HOUR_MS
    assert alarm.before == pytest.approx(0.4, abs=0.02)
    assert alarm.after == pytest.approx(0.46, abs=0.04)
    assert alarm.signal == "missed"


@pytest.mark.parametrize("hour", [6, 12, 18, 24])
def test_how_large_a_rise_is_does_not_hang_on_the_hour_at_which_it_comes(hour: int) -> None:
    """In a shop so busy that the level of late is that of an hour, which swings by 0.08."""
    start = 6 * 24 + hour
    chances = [0.42 + 0.08 * np.sin(2 * np.pi * at / 24) + 0.06 * (at >= start) for at in range(start + 4)]
    rng, detector, alarms = np.random.default_rng(hour), DriftDetector("missed"), list[Alarm]()
    for at, chance in enumerate(chances):
        for values in np.split((rng.random(20_000) < chance).astype(float), 20):
            alarms += detector.update_many(at * HOUR_MS, values)
    (alarm,) = alarms
    assert start * HOUR_MS <= alarm.ts <= (start + 1) * HOUR_MS
    assert alarm.after - alarm.before == pytest.approx(0.06, abs=0.03)


@SEEDS
def test_a_fall_is_good_news(seed: int) -> None:
    assert alarms_of(*days(seed, [0.4] * 40 + [0.3] * 40)) == []


@SEEDS
def test_what_is_hardly_worth_it_raises_no_alarm(seed: int) -> None:
    assert alarms_of(*days(seed, [0.4] * 80 + [0.405] * 80)) == []


@SEEDS
def test_a_slow_start_raises_no_alarm(seed: int) -> None:
    """A model that learns misses less and less."""
    assert alarms_of(*days(seed, 0.3 + 0.7 * 0.8 ** np.arange(60))) == []


@pytest.mark.parametrize("cut", [0, 60, 60 * 80, 60 * 3_685, 60 * 3_723])
def test_who_goes_on_from_a_state_raises_the_same_alarms(cut: int) -> None:
    ts, values = days(3, [0.4] * 110 + [0.5] * 20)
    whole = alarms_of(ts, values)
    first, second = DriftDetector("missed"), DriftDetector("missed")
    begun = alarms_of(ts[:cut], values[:cut], first)
    second.restore(first.state)
    assert begun + alarms_of(ts[cut:], values[cut:], second) == whole
    assert len(whole) == 1
