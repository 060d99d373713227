"""Laws of repeats: what the contract calls one is dropped, and nothing else in the window."""

import numpy as np
import pytest
from hypothesis import given
from slow_profile import SlowProfile
from strategies import DAY_MS, LAW, START_MS, as_batch, event, folded, streams

from models.events import Event
from models.fold import fold
from models.profile import Profiles
from models.seen import BLOCK, MAX_BLOCKS


@pytest.mark.parametrize("batch", [1, 97, 2000])
def test_repeats_of_a_busy_user_are_those_of_the_slow_profile_in_any_batches(batch: int) -> None:
    random = np.random.default_rng(7)
    days = np.sort(random.uniform(0, 40, 2000)) + random.normal(0, 2, 2000)
    stream = [event(random.integers(1800), START_MS + int((9 + day) * DAY_MS)) for day in days]
    slow, profiles = SlowProfile(), Profiles(["ann"])
    kept = [len(fold(profiles, as_batch(stream[at : at + batch])).kept) for at in range(0, 2000, batch)]
    expected = [slow.fold(one) for one in stream]
    assert kept == [sum(expected[at : at + batch]) for at in range(0, 2000, batch)]
    assert 1100 < profiles.events[0] < 2000


@LAW
@given(streams())
def test_folding_a_batch_twice_is_folding_it_once(stream: list[Event]) -> None:
    profiles, _ = folded(*stream)
    before = profiles.words.copy()
    assert not len(fold(profiles, as_batch(stream)).kept)
    np.testing.assert_array_equal(profiles.words, before)


def test_an_id_within_the_last_thousand_events_is_a_repeat_however_old() -> None:
    stream = [event(number, ts=START_MS + number * DAY_MS) for number in range(1000)]
    profiles, _ = folded(*stream)
    assert not len(fold(profiles, as_batch([event(0, ts=START_MS + 1000 * DAY_MS)])).kept)


def test_an_id_within_seven_days_is_a_repeat_however_many_came_between() -> None:
    stream = [event(number, ts=START_MS + number * 250_000) for number in range(2300)]  # 6.7 days
    profiles, _ = folded(*stream)
    assert not len(fold(profiles, as_batch([event(0)])).kept)


def test_an_id_beyond_both_is_counted_again_and_forgotten() -> None:
    stream = [event(number, ts=START_MS + number * DAY_MS) for number in range(1200)]
    profiles, _ = folded(*stream)
    assert len(fold(profiles, as_batch([event(0, ts=START_MS + 1200 * DAY_MS)])).kept) == 1
    assert len(profiles.blocks[0]) == 16


def test_no_user_has_more_blocks_than_the_cap() -> None:
    profiles, _ = folded(*(event(number) for number in range(BLOCK * (MAX_BLOCKS + 3))))
    assert len(profiles.blocks[0]) == MAX_BLOCKS


def test_same_id_of_two_users_is_no_repeat() -> None:
    _, observed = folded(event(1), event(1, user_id="bob"))
    assert observed.kept.tolist() == [0, 1]


def test_a_block_knows_its_newest_time_also_from_an_earlier_batch() -> None:
    profiles, _ = folded(*(event(number) for number in range(BLOCK)))
    fold(profiles, as_batch([event(100, ts=START_MS + 9 * DAY_MS)]))
    fold(profiles, as_batch([event(number) for number in range(101, 100 + BLOCK)]))
    assert profiles.blocks[0][:, BLOCK].tolist() == [START_MS, START_MS + 9 * DAY_MS]
