"""Laws of the profile and of folding events into it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slow_profile import SlowProfile
from strategies import ITEMS, START_MS, USERS, as_batch, cuts, streams

from models.affinity import WEIGHTS, Affinity, Touches
from models.batch import ACTIONS, TAKES_BACK, Batch, Floats
from models.events import Action, Event
from models.fingerprint import fingerprint, fingerprints
from models.fold import fold
from models.layout import UnreadableProfile
from models.observation import Observations
from models.profile import Profiles
from models.seen import BLOCK, MAX_BLOCKS, UnreadableBlocks, blocks_from_bytes, blocks_to_bytes
from models.timeline import Timeline, action_of, time_of

GOLDEN = Path(__file__).parent / "golden"
DAY_MS = 86_400_000
# A busy machine is no failure; 30 streams of some hundred events take a second.
LAW = settings(max_examples=30, deadline=None)


def event(number: int, ts: int = START_MS, **fields: object) -> Event:
    defaults = {"event": Action.VIEW_ITEM, "user_id": "ann", "item_id": "item-0"}
    return Event(event_id=f"e{number}", ts=ts, **{**defaults, **fields})


def folded(*stream: Event) -> tuple[Profiles, Observations]:
    profiles = Profiles(list(USERS))
    return profiles, fold(profiles, as_batch(list(stream)))


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
def test_sums_are_those_of_the_whole_stream_decayed(stream: list[Event]) -> None:
    category = {item: f"category-{number % 3}" for number, item in enumerate(ITEMS)}
    slow = {user: SlowProfile() for user in USERS}
    for one in stream:
        slow[one.user_id].fold(one)
    profiles, _ = folded(*stream)
    now = START_MS + 5_000_000_000
    sums = profiles.affinity.at(np.arange(len(USERS)), np.full(len(USERS), now))[:, 0]
    for row, user in enumerate(USERS):
        expected = slow[user].sums(category, now)
        keys = profiles.affinity.key[row, 0, : profiles.affinity.filled[row, 0]].tolist()
        assert sorted(keys) == sorted(fingerprint(key) for key in expected)
        for key, values in expected.items():
            np.testing.assert_allclose(sums[row, keys.index(fingerprint(key))], values, rtol=1e-5, atol=1e-30)


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
    stream = [Event(**{**_fields(one), "event_id": str(n)}) for n, one in enumerate(data.draw(streams()))]
    clicks = [one for one in stream if not one.event.is_order]
    orders = [one for one in stream if one.event.is_order]
    first, _ = folded(*clicks, *orders)
    second, _ = folded(*orders, *clicks)
    np.testing.assert_array_equal(first.actions.entries, second.actions.entries)
    np.testing.assert_array_equal(first.lines.entries, second.lines.entries)
    np.testing.assert_array_equal(first.latest, second.latest)


@LAW
@given(streams(ids=10_000, max_size=60))
def test_late_events_give_the_profile_of_events_in_order(stream: list[Event]) -> None:
    stream = [Event(**{**_fields(one), "event_id": str(n), "ts": one.ts + n}) for n, one in enumerate(stream)]
    stream = [one for one in stream if one.event is not Action.REFUND]
    stream = list({one.ts: one for one in stream}.values())
    late, _ = folded(*stream)
    ordered, _ = folded(*sorted(stream, key=lambda one: one.ts))
    np.testing.assert_array_equal(late.actions.entries, ordered.actions.entries)
    sums = [_sums(profiles.affinity, START_MS + 5_000_000_000) for profiles in (late, ordered)]
    assert sums[0].keys() == sums[1].keys()
    for key, values in sums[0].items():
        np.testing.assert_allclose(values, sums[1][key], rtol=1e-5, atol=1e-30)


@LAW
@given(streams())
def test_folding_a_batch_twice_is_folding_it_once(stream: list[Event]) -> None:
    profiles, _ = folded(*stream)
    before = profiles.words.copy()
    assert not len(fold(profiles, as_batch(stream)).kept)
    np.testing.assert_array_equal(profiles.words, before)


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


@LAW
@given(streams())
def test_rows_come_back_as_they_were(stream: list[Event]) -> None:
    profiles, _ = folded(*stream)
    profiles.serve(np.array([1]), np.arange(1, 13)[np.newaxis])
    rows = profiles.to_rows(slice(None))
    again = Profiles.from_rows(list(USERS), rows)
    np.testing.assert_array_equal(again.words, profiles.words)
    assert profiles.to_rows(np.array([2, 0])) == [rows[2], rows[0]]


def test_the_row_of_a_busy_user_comes_back_as_it_was() -> None:
    profiles, _ = folded(*(event(number) for number in range(40)))
    fold(profiles, as_batch([event(number) for number in range(40, 70)]))
    again = Profiles.from_rows(list(USERS), profiles.to_rows(slice(None)))
    np.testing.assert_array_equal(again.words, profiles.words)


def test_a_block_knows_its_newest_time_also_from_an_earlier_batch() -> None:
    profiles, _ = folded(*(event(number) for number in range(BLOCK)))
    fold(profiles, as_batch([event(100, ts=START_MS + 9 * DAY_MS)]))
    fold(profiles, as_batch([event(number) for number in range(101, 100 + BLOCK)]))
    assert profiles.blocks[0][:, BLOCK].tolist() == [START_MS, START_MS + 9 * DAY_MS]


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


def test_of_a_full_table_the_weakest_key_gives_way() -> None:
    profiles = Profiles(["ann"])
    key, weight = np.arange(1, 10), np.array([3, 1, 2, 4, 5, 6, 7, 8, 1], dtype=np.float32)
    same = np.zeros(9, dtype=np.int64)
    profiles.affinity.add(Touches(same, same, key, START_MS + key, weight))
    assert profiles.affinity.key[0, 0].tolist() == [1, 9, *range(3, 9)]
    assert profiles.affinity.sums[0, 0, 1].tolist() == [1, 1, 1]


def test_the_weakest_is_so_at_equal_times() -> None:
    profiles = Profiles(["ann"])
    key, weight = np.arange(1, 10), np.array([8, 1, 2, 3, 4, 5, 6, 7, 1], dtype=np.float32)
    ts = np.array([0, *[200 * DAY_MS] * 8]) + START_MS  # the first is worth 8 / 2^(200 / 30) by then
    same = np.zeros(9, dtype=np.int64)
    profiles.affinity.add(Touches(same, same, key, ts, weight))
    assert profiles.affinity.key[0, 0, 0] == 9


def test_weights_follow_the_action_codes() -> None:
    assert not WEIGHTS[TAKES_BACK].any()
    assert len(WEIGHTS) == len(ACTIONS) + 1 == len(Action) + 1


def test_action_codes_never_change() -> None:
    assert ACTIONS == (
        "view_item_list",
        "select_item",
        "view_item",
        "add_to_wishlist",
        "add_to_cart",
        "remove_from_cart",
        "begin_checkout",
        "purchase",
        "refund",
    )


def test_fingerprints_never_change() -> None:
    assert [fingerprint("item-1"), fingerprint("ü")] == [-6274262587704068686, 6748675957732712302]


def test_a_price_beyond_float32_is_its_largest_number() -> None:
    assert np.isfinite(Batch.of([event(1, price=1e300)]).price).all()


def test_golden_profile_still_reads() -> None:
    golden = (GOLDEN / "profile-1.bin").read_bytes()
    stream = [event(n, START_MS + n, event=Action.PURCHASE, item_id=ITEMS[n], price=9.5) for n in range(5)]
    profiles, _ = folded(*stream)
    profiles.serve(np.array([0]), np.arange(1, 21)[np.newaxis])
    np.testing.assert_array_equal(Profiles.from_rows(["ann"], [golden]).words, profiles.words[:1])


def test_golden_blocks_still_read() -> None:
    profiles, _ = folded(*(event(number, START_MS + number) for number in range(BLOCK)))
    golden = (GOLDEN / "blocks-1.bin").read_bytes()
    np.testing.assert_array_equal(blocks_from_bytes(golden), profiles.blocks[0])


@pytest.mark.parametrize("damage", [lambda raw: b"\x02" + raw[1:], lambda raw: raw[:-8], lambda raw: raw[:3]])
def test_what_is_no_row_of_this_format_is_refused(damage: Callable[[bytes], bytes]) -> None:
    profiles, _ = folded(event(1), *(event(number) for number in range(BLOCK)))
    with pytest.raises(UnreadableProfile):
        Profiles.from_rows(["ann"], [damage(profiles.to_rows(slice(None))[0])])
    with pytest.raises(UnreadableBlocks):
        blocks_from_bytes(damage(blocks_to_bytes(profiles.blocks[0])))


def _fields(one: Event) -> dict[str, object]:
    return {name: getattr(one, name) for name in one.__struct_fields__}


def _sums(affinity: Affinity, ts: int) -> dict[tuple[int, int, int], Floats]:
    """Return the sums by user, kind and key as of a time."""
    users = np.arange(len(affinity.key))
    used = np.arange(affinity.key.shape[2]) < affinity.filled[:, :, np.newaxis]
    row, kind, _ = used.nonzero()
    keys = zip(row.tolist(), kind.tolist(), affinity.key[used].tolist(), strict=True)
    return dict(zip(keys, affinity.at(users, np.full(len(users), ts))[used], strict=True))
