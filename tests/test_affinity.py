"""Laws of the decayed sums."""

import msgspec
import numpy as np
from hypothesis import given
from slow_profile import SlowProfile
from strategies import DAY_MS, ITEMS, LAW, START_MS, USERS, folded, streams

from models.affinity import WEIGHTS, Affinity, Touches
from models.batch import ACTIONS, TAKES_BACK, Floats
from models.events import Action, Event
from models.fingerprint import fingerprint
from models.profile import Profiles


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
@given(streams(ids=10_000, max_size=60))
def test_late_events_give_the_profile_of_events_in_order(stream: list[Event]) -> None:
    stream = [msgspec.structs.replace(one, event_id=str(n), ts=one.ts + n) for n, one in enumerate(stream)]
    stream = [one for one in stream if one.event is not Action.REFUND]
    stream = list({one.ts: one for one in stream}.values())
    late, _ = folded(*stream)
    ordered, _ = folded(*sorted(stream, key=lambda one: one.ts))
    np.testing.assert_array_equal(late.actions.entries, ordered.actions.entries)
    sums = [_sums(profiles.affinity, START_MS + 5_000_000_000) for profiles in (late, ordered)]
    assert sums[0].keys() == sums[1].keys()
    for key, values in sums[0].items():
        np.testing.assert_allclose(values, sums[1][key], rtol=1e-5, atol=1e-30)


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


def _sums(affinity: Affinity, ts: int) -> dict[tuple[int, int, int], Floats]:
    """Return the sums by user, kind and key as of a time."""
    users = np.arange(len(affinity.key))
    used = np.arange(affinity.key.shape[2]) < affinity.filled[:, :, np.newaxis]
    row, kind, _ = used.nonzero()
    keys = zip(row.tolist(), kind.tolist(), affinity.key[used].tolist(), strict=True)
    return dict(zip(keys, affinity.at(users, np.full(len(users), ts))[used], strict=True))
