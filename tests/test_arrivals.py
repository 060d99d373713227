"""Laws of merging a partition's topics by event time, over logs, cuts and orders of arrival."""

from collections import deque
from itertools import pairwise
from types import SimpleNamespace

import pytest
from arriving import BAD, NOW, chunk, times
from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from stream.arrivals import Arrivals, Released
from stream.chunks import Chunk, RawRecord

CLICKS, PURCHASES = TP("clicks", 3), TP("purchases", 3)
LANES = (CLICKS, PURCHASES)
NOTHING: tuple[str, ...] = ()
MIB = 1024 * 1024
DAY = 86_400_000


@st.composite
def logs(draw: st.DrawFn, *, ordered: bool) -> dict[TP, deque[Chunk]]:
    """Draw a log of each topic, cut into chunks; an unordered one has late events and bad records.

    In an ordered one events lie milliseconds, minutes or hours apart.
    """
    cut = {}
    unit = draw(st.sampled_from((1, 60_000, 10_800_000))) if ordered else 1
    for tp in LANES:
        moments = draw(
            st.lists(st.integers(1, 60) if ordered else st.sampled_from((BAD, *range(1, 60))), max_size=40)
        )
        moments = sorted(unit * moment for moment in moments) if ordered else moments
        cut[tp], offset = deque[Chunk](), 0
        while moments:
            size = draw(st.integers(1, 15))
            cut[tp].append(chunk(tp, offset, moments[:size]))
            offset, moments = offset + len(moments[:size]), moments[size:]
    return cut


def read_all(coming: dict[TP, deque[Chunk]], limit: int, data: st.DataObject) -> list[Released]:
    """Let chunks arrive in any order, and release after each what may be; every topic is read to its end."""
    arrivals, released = Arrivals(limit), []
    while any(coming.values()):
        tp = data.draw(st.sampled_from([tp for tp in LANES if coming[tp]]))
        arrivals.add(coming[tp].popleft(), NOW)
        unfinished = [tp.topic for tp in LANES if coming[tp]]
        while (batch := arrivals.release(3, unfinished)) is not None:
            released.append(batch)
    assert arrivals.partitions() == []
    return released


def offsets(released: list[Released], topic: str) -> list[int]:
    """Return the offsets of a topic in the order of release, those of refused records in their batch."""
    found = []
    for batch in released:
        places = [*batch.places, *(place for place, _ in batch.refused)]
        found += sorted(place.record.offset for place in places if place.chunk.tp.topic == topic)
    return found


@given(logs(ordered=True), st.integers(1, 30), st.data())
def test_events_of_ordered_topics_come_out_in_the_order_of_time(
    coming: dict[TP, deque[Chunk]], limit: int, data: st.DataObject
) -> None:
    expected = sorted(e for lane in coming.values() for c in lane for e in times_of(c))
    assert [ts for batch in read_all(coming, limit, data) for ts in times(batch.events)] == expected


def test_a_topic_with_an_event_a_night_does_not_overtake_the_other() -> None:
    """As carts and purchases of a small shop: each purchase is hours after the one before it."""
    arrivals = Arrivals(100)
    arrivals.add(chunk(PURCHASES, 0, [DAY + 9, 2 * DAY + 9, 3 * DAY + 9]), NOW)
    arrivals.add(chunk(CLICKS, 0, [DAY, 2 * DAY, 3 * DAY]), NOW)
    assert released_now(arrivals) == [day * DAY + moment for day in (1, 2, 3) for moment in (0, 9)]


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_one_wrong_clock_does_not_hold_up_its_topic(cut: int) -> None:
    arrivals, moments = Arrivals(100), [10, DAY, 25, 40]
    arrivals.add(chunk(PURCHASES, 0, [20, 30]), NOW)
    arrivals.add(chunk(CLICKS, 0, moments[:cut]), NOW)
    arrivals.add(chunk(CLICKS, cut, moments[cut:]), NOW)
    assert released_now(arrivals) == [10, DAY, 20, 25, 30, 40]


def test_a_wrong_clock_that_was_believed_misplaces_nothing_after_it() -> None:
    arrivals = Arrivals(100)
    arrivals.add(chunk(CLICKS, 0, [10, DAY]), NOW)
    assert released_now(arrivals) == [10, DAY]
    arrivals.add(chunk(PURCHASES, 0, [20, 40]), NOW)
    arrivals.add(chunk(CLICKS, 2, [30, 50]), NOW)
    assert released_now(arrivals) == [20, 30, 40, 50]


@given(logs(ordered=False), st.integers(1, 30), st.data())
def test_each_record_comes_out_once_in_its_topics_order(
    coming: dict[TP, deque[Chunk]], limit: int, data: st.DataObject
) -> None:
    counts = {tp.topic: sum(map(len, coming[tp])) for tp in LANES}
    chunks = {id(c) for lane in coming.values() for c in lane}
    released = read_all(coming, limit, data)
    for topic, count in counts.items():
        assert offsets(released, topic) == list(range(count))
        events = [p.record.offset for batch in released for p in batch.places if p.chunk.tp.topic == topic]
        assert events == sorted(events)
    finished = [id(c) for batch in released for c in batch.finished]
    assert set(finished) == chunks
    assert len(finished) == len(chunks)
    assert all(0 < len(batch.events) + len(batch.refused) <= limit for batch in released)


@given(logs(ordered=False), st.integers(1, 30), st.data())
def test_a_late_event_overtakes_nothing(
    coming: dict[TP, deque[Chunk]], limit: int, data: st.DataObject
) -> None:
    places = [place for batch in read_all(coming, limit, data) for place in batch.places]
    assert all(one.order <= two.order for one, two in pairwise(places))
    for tp in LANES:
        newest = 0
        for place in (place for place in places if place.chunk.tp == tp):
            newest = max(newest, place.event.ts)
            assert place.order == newest


@given(logs(ordered=False), st.integers(1, 30), st.data())
def test_offsets_and_finished_chunks_say_what_has_been_released(
    coming: dict[TP, deque[Chunk]], limit: int, data: st.DataObject
) -> None:
    done: dict[str, int] = {}
    for batch in read_all(coming, limit, data):
        for topic in {p.chunk.tp.topic for p in [*batch.places, *(place for place, _ in batch.refused)]}:
            done[topic] = offsets([batch], topic)[-1] + 1
            assert batch.next_offsets[topic] == done[topic]
        assert batch.next_offsets.keys() <= done.keys()
        assert all(chunk.next_offset <= done[chunk.tp.topic] for chunk in batch.finished)


def times_of(arrived: Chunk) -> list[int]:
    arrivals = Arrivals(10_000)
    arrivals.add(arrived, NOW)
    return released_now(arrivals)


def released_now(arrivals: Arrivals) -> list[int]:
    """Return the times of what is released where all topics are read to their ends."""
    released = arrivals.release(3, NOTHING)
    return [] if released is None else times(released.events)


def test_nothing_newer_than_an_unfinished_topic_is_released() -> None:
    arrivals = Arrivals(100)
    arrivals.add(chunk(CLICKS, 0, [10, 20, 30, 40]), NOW)
    arrivals.add(chunk(PURCHASES, 0, [5, 25]), NOW)
    released = arrivals.release(3, ["purchases"])
    assert released is not None
    assert times(released.events) == [5, 10, 20, 25]
    assert released.next_offsets == {"clicks": 2, "purchases": 2}
    assert arrivals.release(3, ["purchases"]) is None
    rest = arrivals.release(3, NOTHING)
    assert rest is not None
    assert times(rest.events) == [30, 40]


def test_all_wait_for_an_unfinished_topic_of_which_nothing_has_arrived() -> None:
    arrivals = Arrivals(100)
    arrivals.add(chunk(CLICKS, 0, [10]), NOW)
    assert arrivals.release(3, ["purchases"]) is None
    assert arrivals.waiting(CLICKS)[0] == 1


def test_partitions_do_not_wait_for_each_other() -> None:
    arrivals = Arrivals(100)
    arrivals.add(chunk(CLICKS, 0, [10]), NOW)
    arrivals.add(chunk(TP("clicks", 1), 0, [20]), NOW)
    assert arrivals.release(3, ["purchases"]) is None
    released = arrivals.release(1, NOTHING)
    assert released is not None
    assert (released.partition, times(released.events)) == (1, [20])
    assert arrivals.partitions() == [3]


def test_a_new_reading_drops_what_waits_of_the_old_one() -> None:
    arrivals = Arrivals(100)
    arrivals.add(chunk(CLICKS, 0, [10, 90], epoch=1), NOW)
    arrivals.add(chunk(CLICKS, 0, [10], epoch=2), NOW)
    assert arrivals.waiting(CLICKS)[0] == 1
    assert arrivals.next_offset(CLICKS) == 1


def test_a_new_reading_is_merged_by_its_own_times() -> None:
    arrivals = Arrivals(100)
    for tp in LANES:
        arrivals.add(chunk(tp, 0, [10, 90], epoch=1), NOW)
    arrivals.add(chunk(CLICKS, 0, [10, 90], epoch=2), NOW)
    arrivals.add(chunk(PURCHASES, 0, [20], epoch=2), NOW)
    released = arrivals.release(3, ["purchases"])
    assert released is not None
    assert times(released.events) == [10, 20]


def test_what_is_forgotten_is_gone() -> None:
    arrivals = Arrivals(100)
    for tp in LANES:
        arrivals.add(chunk(tp, 7, [10, 20]), NOW)
    arrivals.forget([CLICKS, TP("clicks", 99)])
    assert (arrivals.waiting(CLICKS), arrivals.next_offset(CLICKS)) == ((0, 0), None)
    assert (arrivals.waiting(PURCHASES)[0], arrivals.next_offset(PURCHASES)) == (2, 9)
    arrivals.forget([PURCHASES])
    assert arrivals.partitions() == []


@pytest.mark.parametrize("value", [None, b"garbage"])
def test_a_record_that_cannot_be_read_is_released_in_its_place_with_the_reason(value: bytes | None) -> None:
    arrivals = Arrivals(100)
    arrived = chunk(CLICKS, 4, [10, BAD, 30])
    arrived.records[1].value = value  # type: ignore[misc]
    arrivals.add(arrived, NOW)
    arrivals.add(chunk(PURCHASES, 0, [20]), NOW)
    released = arrivals.release(3, ["purchases"])
    assert released is not None
    assert [(place.record.offset, place.order, error.field) for place, error in released.refused] == [
        (5, 10, "value")
    ]
    assert times(released.events) == [10, 20]
    assert released.next_offsets["clicks"] == 6


def large(offset: int) -> RawRecord:
    return SimpleNamespace(offset=offset, key=b"ann", value=bytes(3 * MIB), timestamp=NOW, headers=())


def test_large_records_come_out_a_few_at_a_time() -> None:
    arrivals = Arrivals(100)
    arrivals.add(Chunk(CLICKS, [large(offset) for offset in range(7)], 1), NOW)
    left = []
    while (batch := arrivals.release(3, NOTHING)) is not None:
        left.append((len(batch.refused), arrivals.waiting(CLICKS)))
    assert left == [(2, (5, 15 * MIB)), (2, (3, 9 * MIB)), (2, (1, 3 * MIB)), (1, (0, 0))]


def test_one_that_is_larger_than_a_batch_comes_out_alone() -> None:
    arrivals = Arrivals(100)
    records = [large(0), large(1), large(2)]
    records[1].value = bytes(20 * MIB)
    arrivals.add(Chunk(CLICKS, records, 1), NOW)
    assert [len(arrivals.release(3, NOTHING).refused) for _ in range(3)] == [1, 1, 1]  # type: ignore[union-attr]
