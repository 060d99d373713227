"""Laws of one topic's arrivals: each has a place in event time; a wrong clock moves its own event alone."""

from itertools import pairwise

import pytest
from arriving import BAD, NOW, chunk
from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from stream.lane import Lane

CLICKS = TP("clicks", 3)
MINUTE, HOUR = 60_000, 3_600_000


def orders(cuts: list[list[int]]) -> list[int]:
    """Return the places in time of events at these times, in ``cuts`` chunks."""
    lane, offset = Lane(CLICKS), 0
    for times in cuts:
        lane.add(chunk(CLICKS, offset, times), NOW)
        offset += len(times)
    return [arrival.order for arrival in lane]


moments = st.one_of(st.just(BAD), st.integers(1, 60), st.integers(1, 60).map(lambda n: 3 * HOUR * n))


@given(st.lists(st.lists(moments, min_size=1, max_size=6), min_size=1, max_size=8))
def test_no_place_is_before_the_one_before_it_however_the_log_is_cut(cuts: list[list[int]]) -> None:
    places = orders(cuts)
    assert all(one <= two for one, two in pairwise(places))
    assert places == orders([[ts for times in cuts for ts in times]])


@given(st.lists(st.integers(1, 60), min_size=1, unique=True))
def test_events_in_order_have_their_own_time_however_far_apart(hours: list[int]) -> None:
    times = [3 * HOUR * hour for hour in sorted(hours)]
    assert orders([times]) == times


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ([10, 20, 15, 30], [10, 20, 20, 30]),  # a late event stays behind the one before it
        ([10, 2 * HOUR, 20], [10, 10, 20]),  # one clock is wrong
        ([10, 2 * HOUR, 2 * HOUR + 5], [10, 2 * HOUR, 2 * HOUR + 5]),  # a quiet time
        ([10, 2 * HOUR, BAD, 20], [10, 10, 10, 20]),  # what cannot be read goes with the event before it
        ([10, HOUR + 10, 20], [10, HOUR + 10, HOUR + 10]),  # an hour is no leap
        ([10, 2 * HOUR, HOUR + MINUTE], [10, 2 * HOUR, 2 * HOUR]),  # nor is what the next is near
    ],
    ids=["late", "wrong clock", "quiet", "unreadable", "an hour", "near"],
)
def test_a_leap_counts_if_the_event_after_it_is_not_far_before(times: list[int], expected: list[int]) -> None:
    assert orders([times]) == expected
