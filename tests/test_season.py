"""Laws of the season: what the hours bring by themselves, and what they do not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.season import Season


def test_what_comes_of_a_day_before_does_not_end_the_day() -> None:
    """As an event that comes late, or one with a wrong clock."""
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


def test_an_hour_that_was_seen_on_fewer_days_is_not_known_though_others_are() -> None:
    season = Season()
    for hour in range(8 * 24):
        if hour % 24 != 3 or hour // 24 in (5, 6):
            season.update_many(hour, np.full(3_000, 0.9 if hour % 24 in {3, 12} else 0.25))
    assert season.deviation(12) > 0.3
    assert season.deviation(3) == 0.0
    season.update_many(8 * 24, np.full(3_000, 0.25))
    assert season.deviation(3) == 0.0
    for hour in range(8 * 24 + 1, 10 * 24):
        season.update_many(hour, np.full(3_000, 0.9 if hour % 24 in {3, 12} else 0.25))
    assert season.deviation(3) > 0.3


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
