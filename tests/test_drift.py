"""Laws of the gauges that drift is told by: quiet where nothing happens, and quick where something does."""

from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.drift import Alarm, Gauge
from models.season import Season

HOUR_MS = 3_600_000
AN_HOUR = 2_000  # values
SEEDS = pytest.mark.parametrize("seed", range(5))


def days(seed: int, chances: Iterable[float]) -> tuple[np.ndarray, np.ndarray]:
    """Return times and values, 0 or 1, of hours with these chances of 1."""
    rng, wanted = np.random.default_rng(seed), np.repeat(np.array(list(chances)), AN_HOUR)
    ts = (np.arange(len(wanted)) * HOUR_MS) // AN_HOUR
    return ts, (rng.random(len(wanted)) < wanted).astype(float)


def told(ts: np.ndarray, values: np.ndarray, gauge: Gauge | None = None) -> list[Alarm]:
    """Return the alarms of a gauge that is told batch by batch."""
    gauge = gauge or Gauge("missed")
    places = np.split(np.arange(len(ts)), range(60, len(ts), 60))
    filled = [run for run in places if len(run)]
    return [alarm for run in filled for alarm in gauge.update_many(int(ts[run[0]]), values[run])]


def rhythm(hour: int) -> float:
    """Return the chance of a miss in an hour: higher in the evening, and on Sundays."""
    evening, sunday = hour % 24 >= 18, hour // 24 % 7 == 6
    return 0.4 + 0.05 * evening + 0.02 * sunday


@SEEDS
def test_the_rhythm_of_the_days_raises_no_alarm(seed: int) -> None:
    assert told(*days(seed, map(rhythm, range(9 * 24)))) == []


@SEEDS
def test_a_sudden_rise_is_noticed_within_some_thousand_values_and_once(seed: int) -> None:
    ts, values = days(seed, [0.4] * 110 + [0.46] * 20)
    (alarm,) = told(ts, values)
    assert 110 * HOUR_MS < alarm.ts < 114 * HOUR_MS
    assert alarm.before == pytest.approx(0.4, abs=0.02)
    assert alarm.after == pytest.approx(0.46, abs=0.04)
    assert alarm.signal == "missed"


@SEEDS
def test_a_fall_is_good_news(seed: int) -> None:
    assert told(*days(seed, [0.4] * 40 + [0.3] * 40)) == []


@SEEDS
def test_what_is_hardly_worth_it_raises_no_alarm(seed: int) -> None:
    assert told(*days(seed, [0.4] * 80 + [0.405] * 80)) == []


@SEEDS
def test_a_slow_start_raises_no_alarm(seed: int) -> None:
    """A model that learns misses less and less."""
    assert told(*days(seed, 0.3 + 0.7 * 0.8 ** np.arange(60))) == []


@pytest.mark.parametrize("cut", [0, 60, 60 * 80, 60 * 3_685, 60 * 3_723])
def test_who_goes_on_from_a_state_raises_the_same_alarms(cut: int) -> None:
    ts, values = days(3, [0.4] * 110 + [0.5] * 20)
    whole = told(ts, values)
    first, second = Gauge("missed"), Gauge("missed")
    begun = told(ts[:cut], values[:cut], first)
    second.restore(first.state)
    assert begun + told(ts[cut:], values[cut:], second) == whole
    assert len(whole) == 1


def test_what_comes_of_a_day_before_does_not_end_the_day() -> None:
    season, other = Season(), Season()
    for hour in range(6 * 24):
        values = np.full(3_000, 0.5 if hour % 24 == 12 else 0.25)
        for one in (season, other):
            one.update_many(hour, values)
        other.update_many(max(hour - 24, 0), values[:1])
    assert [other.deviation(hour) for hour in range(24)] == [season.deviation(hour) for hour in range(24)]


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=300))
def test_the_level_is_the_mean_while_there_is_little(values: list[float]) -> None:
    season = Season()
    for value in values:
        season.update_many(7, np.array([value]))
    assert season.level == pytest.approx(np.mean(values), abs=1e-9)
    assert season.count == len(values)
    assert season.deviation(7) == 0.0


def test_an_hour_is_told_from_others_and_one_odd_day_changes_nothing() -> None:
    season, other = Season(), Season()
    for hour in range(7 * 24):
        odd = 0.3 * (hour // 24 == 5 and hour % 24 > 12)
        season.update_many(hour, np.full(3_000, odd + (0.5 if hour % 24 == 12 else 0.25)))
    assert season.deviation(12) == pytest.approx(0.24, abs=0.01)
    assert max(abs(season.deviation(hour)) for hour in range(24) if hour != 12) < 0.02
    other.restore(season.state)
    assert [other.deviation(hour) for hour in range(24)] == [season.deviation(hour) for hour in range(24)]


def test_before_enough_days_nothing_is_usual() -> None:
    season = Season()
    for hour in range(4 * 24):
        assert not season.is_known
        assert season.deviation(12) == 0.0
        season.update_many(hour, np.full(3_000, 0.5 if hour % 24 == 12 else 0.25))
    season.update_many(4 * 24, np.ones(1))
    assert season.is_known


def test_a_trend_is_nothing_usual() -> None:
    season = Season()
    for hour in range(10 * 24):
        season.update_many(hour, np.full(1_000, 0.8 - 0.002 * hour))
    assert max(abs(season.deviation(hour)) for hour in range(24)) < 1e-9
