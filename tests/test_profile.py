"""Laws of the profile and of folding events into it."""

import msgspec
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from slow_profile import SlowProfile
from strategies import LAW, START_MS, USERS, as_batch, cuts, event, folded, streams

from models.batch import ACTIONS
from models.events import Action, Event
from models.fingerprint import fingerprint, fingerprints
from models.fold import fold
from models.profile import Profiles
from models.timeline import Timeline, action_of, time_of


def entries(timeline: Timeline, row: int) -> list[tuple[int, int, Action]]:
    """Return (item, time, action) of a user's entries, newest first."""
    item, stamp = timeline.entries[row, :, : timeline.filled[row]]
    actions = [ACTIONS[code - 1] for code in action_of(stamp).tolist()]
    return list(zip(item.tolist(), time_of(stamp).tolist(), actions, strict=True))


@LAW
@given(streams(ids=200, max_size=400))
def test_fold_equals_the_profile_written_one_event_at_a_time(stream: list[Event]) -> None:
    slow = {user: SlowProfile() for user in USERS}
    expected = [number for number, one in enumerate(stream) if slow[one.user_id].fold(one)]
    profiles, observed = folded(*stream)
    assert observed.kept.tolist() == expected
    for row, user in enumerate(USERS):
        history = slow[user].history()
        actions = [(fingerprint(old.item_id), old.ts, old.event) for old in history]
        lines = [(fingerprint(line.item), line.ts, line.action) for line in slow[user].lines]
        assert entries(profiles.actions, row) == actions
        assert entries(profiles.lines, row) == lines
        assert profiles.events[row] == len(slow[user].kept)
        latest = slow[user].latest()
        assert profiles.latest[row] == (fingerprint(latest) if latest else 0)


@LAW
@given(st.data())
def test_the_fold_does_not_depend_on_how_the_stream_is_cut(data: st.DataObject) -> None:
    stream = data.draw(streams(ids=300, max_size=300))
    whole, at_once = folded(*stream)
    parts = Profiles(list(USERS))
    seen = [fold(parts, as_batch(part)) for part in data.draw(cuts(stream))]
    np.testing.assert_array_equal(parts.words, whole.words)
    for name in ("latest", "scored"):
        np.testing.assert_array_equal(
            np.concatenate([getattr(one, name) for one in seen]), getattr(at_once, name)
        )
    for side in ("before", "after"):
        joined = (
            np.concatenate(columns) for columns in zip(*(getattr(one, side) for one in seen), strict=True)
        )
        for column, expected in zip(joined, getattr(at_once, side), strict=True):
            np.testing.assert_array_equal(column, expected)


@LAW
@given(st.data())
def test_history_does_not_depend_on_how_the_two_topics_interleave(data: st.DataObject) -> None:
    stream = [msgspec.structs.replace(one, event_id=str(n)) for n, one in enumerate(data.draw(streams()))]
    clicks = [one for one in stream if not one.event.is_order]
    orders = [one for one in stream if one.event.is_order]
    first, _ = folded(*clicks, *orders)
    second, _ = folded(*orders, *clicks)
    np.testing.assert_array_equal(first.actions.entries, second.actions.entries)
    np.testing.assert_array_equal(first.lines.entries, second.lines.entries)
    np.testing.assert_array_equal(first.latest, second.latest)


@LAW
@given(streams())
def test_each_event_sees_what_the_one_before_it_left(stream: list[Event]) -> None:
    _, observed = folded(*stream)
    for number, previous in enumerate(observed.previous.tolist()):
        earlier = np.flatnonzero(observed.user_row[:number] == observed.user_row[number])
        assert previous == (earlier[-1] if len(earlier) else -1)
        for before, after in zip(observed.before, observed.after, strict=True):
            expected = after[previous] if previous >= 0 else np.zeros_like(before[number])
            np.testing.assert_array_equal(before[number], expected)


def test_orders_of_a_millisecond_come_after_browsing_and_in_order_of_arrival() -> None:
    lines = [event(n, event=Action.PURCHASE, item_id=f"item-{n}") for n in (1, 2)]
    profiles, _ = folded(*lines, event(3, item_id="item-3"))
    assert profiles.actions.item[0, :3].tolist() == fingerprints(["item-2", "item-1", "item-3"]).tolist()


def test_of_one_millisecond_what_arrives_later_is_newer_whatever_the_action() -> None:
    profiles, _ = folded(event(1, event=Action.ADD_TO_CART, item_id="item-1"), event(2, item_id="item-2"))
    assert profiles.actions.item[0, :2].tolist() == fingerprints(["item-2", "item-1"]).tolist()
    assert profiles.latest[0] == fingerprint("item-2")


def test_each_refund_marks_another_line_newest_first() -> None:
    bought = [event(n, START_MS + n, event=Action.PURCHASE) for n in range(3)]
    profiles, _ = folded(*bought, *(event(n, START_MS + 9, event=Action.REFUND) for n in (8, 9)))
    actions = [action for _, _, action in entries(profiles.lines, 0)]
    assert actions == [Action.REFUND, Action.REFUND, Action.PURCHASE]


def test_a_shorter_list_served_leaves_nothing_of_a_longer_one() -> None:
    profiles = Profiles(["ann"])
    profiles.serve(np.array([0]), np.arange(1, 31)[np.newaxis])
    assert profiles.served[0].tolist() == list(range(1, 21))
    profiles.serve(np.array([0]), np.array([[7, 8]]))
    assert profiles.served[0].tolist() == [7, 8, *[0] * 18]


def test_what_takes_back_is_neither_scored_nor_the_latest_item() -> None:
    _, observed = folded(
        event(1, item_id="item-1"),
        event(2, item_id="item-2", event=Action.REMOVE_FROM_CART),
        event(3, item_id="item-2", event=Action.REFUND),
        event(4, item_id="item-1"),
        event(5, item_id="item-2"),
    )
    assert observed.scored.tolist() == [False, False, False, False, True]
    assert observed.latest.tolist() == [0, *[fingerprint("item-1")] * 4]


def test_a_late_event_does_not_become_the_latest_item() -> None:
    profiles, observed = folded(event(1, ts=START_MS + 9, item_id="item-1"), event(2, item_id="item-2"))
    assert profiles.latest[0] == fingerprint("item-1")
    assert observed.after.item[1, :2].tolist() == fingerprints(["item-1", "item-2"]).tolist()
    assert observed.scored.tolist() == [False, True]
