"""Laws of markers: what a user did up to an erasure counts no more, what comes later does."""

from arriving import BAD, NOW, chunk
from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from stream.arrivals import Arrivals, Released
from stream.erasure_markers import NEVER, Erased, ErasureMarkers, has_markers, marker_of, user_digest

CLICKS = TP("clicks", 3)
stamps = st.integers(1, NOW)


def arrived(ts: list[int]) -> Released:
    arrivals = Arrivals(100)
    arrivals.add(chunk(CLICKS, 7, ts), NOW)
    released = arrivals.release(3, ())
    assert released is not None
    return released


def erased(user: str, until: int) -> ErasureMarkers:
    name, value = marker_of(user, Erased(until, until))
    return ErasureMarkers([(name[1:], value)])


@given(st.lists(stamps | st.just(BAD), min_size=1, max_size=50), stamps)
def test_of_a_batch_each_record_is_kept_forgotten_or_refused_and_by_its_time_alone(
    ts: list[int], until: int
) -> None:
    whole = arrived(ts)
    sifted = erased("ann", until).sift(whole)
    assert [event.ts for event in sifted.events] == [time for time in ts if time > until]
    assert [place.event for place in sifted.places] == sifted.events
    assert [place.event.ts for place in sifted.erased] == [time for time in ts if 0 < time <= until]
    assert sifted.refused == whole.refused
    assert (sifted.next_offsets, sifted.finished) == (whole.next_offsets, whole.finished)
    assert sifted.chunk is whole.chunk


def test_the_erasure_of_another_user_changes_nothing() -> None:
    whole = arrived([5, 6])
    assert erased("bob", NOW).sift(whole) is whole
    assert ErasureMarkers([]).sift(whole) is whole


def test_the_newest_marker_of_a_user_is_the_one_that_holds() -> None:
    markers = erased("ann", 5)
    markers.enter(dict([marker_of("ann", Erased(9, 8)), marker_of("eve", Erased(1, 1))]))
    assert [markers.of(user) for user in ("ann", "eve", "bob")] == [Erased(9, 8), Erased(1, 1), NEVER]
    assert markers.has_all_of(dict([marker_of("ann", Erased(9, 8))]))
    assert not markers.has_all_of(dict([marker_of("ann", Erased(10, 8))]))
    assert not markers.has_all_of(dict([marker_of("bob", Erased(1, 1))]))


def test_what_is_no_marker_tells_of_no_erasure() -> None:
    changes = {b"pfann": b"1", b"bann": None, b"nforget": b"7"}
    assert not has_markers(changes)
    assert ErasureMarkers([]).has_all_of(changes)
    assert has_markers({**changes, **dict([marker_of("ann", NEVER)])})


def test_a_marker_names_nobody() -> None:
    name, value = marker_of("a-name-that-stands-out", Erased(2, 1))
    assert b"stands-out" not in name + value
    assert len(user_digest("a-name-that-stands-out")) == 16
