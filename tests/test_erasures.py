"""Laws of erasures: what a chunk of requests deletes, notes and tells."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from faust.types import TP

from models.batch import Batch
from models.codec import encode
from models.events import Action, Event, Forget
from models.fold import fold
from models.seen import BLOCK
from stream.chunks import Chunk
from stream.erasure_markers import Erased, user_digest
from stream.erasure_records import erased_user
from stream.erasures import Erasures, ErasureStamp
from stream.profiles import ProfileStore

NOW = 1_700_000_000_000
DAY = 86_400_000
FORGET = TP("forget", 2)
STAMP = ErasureStamp("examples", "decisions", NOW)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ProfileStore]:
    store = ProfileStore(tmp_path / "profiles")
    yield store
    store.close()


def lived(store: ProfileStore, user: str, count: int, first: int = 1) -> int:
    """Commit events of a user at the times from ``first`` on; return the pseudonym."""
    events = [
        Event(
            event_id=f"{user}-{ts}",
            event=Action.PURCHASE if ts % 10 == 0 else Action.VIEW_ITEM,
            ts=ts,
            user_id=user,
            item_id=f"item-{ts % 7}",
        )
        for ts in range(first, first + count)
    ]
    profiles = store.load(2, [user])
    fold(profiles, Batch.of(events))
    store.commit(2, profiles, {"clicks": first + count}, [])
    return int(profiles.pseudonym[0])


def request(user: str, ts: int | None = None, *, key: str | None = None, sent: int = NOW) -> Any:
    value = encode(Forget(user_id=user, ts=ts))
    return SimpleNamespace(key=(key or user).encode(), value=value, timestamp=sent, headers=())


def erase(store: ProfileStore, *records: Any) -> Erasures:
    """Return what the records do, once it is done."""
    for offset, record in enumerate(records, start=40):
        record.offset = offset
    erasures = Erasures.of(Chunk(FORGET, records, 1), store, STAMP)
    store.erase(2, erasures.changes, {"forget": 40 + len(records)}, [])
    return erasures


def records_to(erasures: Erasures, topic: str) -> list[Any]:
    return [record for record in erasures.outbox if record.topic == topic]


def details(erasures: Erasures) -> list[dict[str, Any]]:
    return [msgspec.msgpack.decode(record.value)["details"] for record in records_to(erasures, "decisions")]


def test_a_profile_goes_with_its_blocks_and_a_marker_stays(store: ProfileStore) -> None:
    lived(store, "ann", BLOCK + 6)
    lived(store, "bob", 3)
    erasures = erase(store, request("ann", 500))
    assert store.load(2, ["ann", "bob"]).events.tolist() == [0, 3]
    assert store.markers(2).of("ann") == Erased(500, 500)
    assert store.offsets(2)["forget"] == 41
    marker = b"f" + user_digest("ann")
    assert erasures.changes == {b"pann": None, b"bann": None, marker: b"500 500"}


def test_the_learner_is_told_the_pseudonym_and_a_record_says_what_was_removed(store: ProfileStore) -> None:
    pseudonym = lived(store, "ann", BLOCK + 6)
    erasures = erase(store, request("ann", 500))
    (record,) = records_to(erasures, "examples")
    assert erased_user(record.headers) == pseudonym
    (decision,) = [msgspec.msgpack.decode(one.value) for one in records_to(erasures, "decisions")]
    assert (decision["kind"], decision["ts"]) == ("erasure", NOW)
    assert decision["details"] == {
        "user": user_digest("ann").hex(),
        "topic": "forget",
        "partition": 2,
        "offset": 40,
        "until": 500,
        "events": 70,
        "event_blocks": 1,
        "order_lines": 7,
        "served_items": 0,
    }


def test_a_user_nobody_has_seen_leaves_a_marker_and_a_record_and_nothing_for_the_learner(
    store: ProfileStore,
) -> None:
    erasures = erase(store, request("eve", 500))
    assert records_to(erasures, "examples") == []
    assert [(one["events"], one["until"]) for one in details(erasures)] == [(0, 500)]
    assert store.markers(2).of("eve") == Erased(500, 500)


def test_what_the_profile_held_beyond_the_time_asked_for_counts_no_more_either(store: ProfileStore) -> None:
    lived(store, "ann", 20, first=100)
    erase(store, request("ann", 110))
    assert store.markers(2).of("ann") == Erased(until=119, asked=110)


def test_a_request_that_comes_again_does_not_touch_who_came_anew(store: ProfileStore) -> None:
    erase(store, request("ann", 500), request("ann", 500))
    lived(store, "ann", 5, first=600)
    again = erase(store, request("ann", 500), request("ann", 400))
    assert (again.changes, again.outbox, again.users) == ({}, [], 0)
    assert store.load(2, ["ann"]).events.tolist() == [5]


def test_a_later_request_erases_also_what_is_newer_than_itself(store: ProfileStore) -> None:
    lived(store, "ann", 20, first=100)
    erase(store, request("ann", 50))
    lived(store, "ann", 3, first=120)
    later = erase(store, request("ann", 60))
    assert [one["events"] for one in details(later)] == [3]
    assert store.load(2, ["ann"]).events.tolist() == [0]
    assert store.markers(2).of("ann") == Erased(until=122, asked=60)


def test_a_request_by_a_clock_that_was_ahead_does_not_hide_a_later_one(store: ProfileStore) -> None:
    lived(store, "ann", 3)
    erase(store, request("ann", NOW + 3_600_000))
    lived(store, "ann", 2, first=NOW + 3_600_001)
    later = erase(store, request("ann", NOW + 120_000))
    assert [one["events"] for one in details(later)] == [2]
    assert store.load(2, ["ann"]).events.tolist() == [0]
    assert store.markers(2).of("ann").until == NOW + 3_600_002


@pytest.mark.parametrize("sent", [-1, 0])
def test_a_request_without_any_time_is_of_now(store: ProfileStore, sent: int) -> None:
    lived(store, "ann", 3)
    erase(store, request("ann", sent=sent))
    assert store.markers(2).of("ann") == Erased(NOW, NOW)


def test_a_user_who_is_named_twice_is_removed_once_and_up_to_the_later_time(store: ProfileStore) -> None:
    lived(store, "ann", 20)
    erasures = erase(store, request("ann", 500), request("bob", 7), request("ann", 600))
    assert [(one["events"], one["until"]) for one in details(erasures)] == [(20, 500), (0, 7), (0, 600)]
    assert len(records_to(erasures, "examples")) == 1
    assert store.markers(2).of("ann") == Erased(600, 600)


def test_without_a_time_that_of_the_record_holds_but_no_more_than_a_day_ahead(store: ProfileStore) -> None:
    erase(store, request("ann", sent=NOW - 5), request("bob", sent=NOW + 3 * DAY))
    assert [store.markers(2).of(user).until for user in ("ann", "bob")] == [NOW - 5, NOW + DAY]


def test_what_asks_for_nothing_is_a_dead_letter_and_the_rest_is_done(store: ProfileStore) -> None:
    lived(store, "ann", 3)
    nothing = SimpleNamespace(key=b"ann", value=b"\xc1", timestamp=NOW, headers=())
    erasures = erase(
        store, nothing, request("ann", key="bob"), request("ann", NOW + 2 * DAY), request("ann", 500)
    )
    assert (erasures.users, erasures.refused) == (1, 3)
    dead = records_to(erasures, "forget.dlq")
    assert [dict(record.headers)["dlq.offset"] for record in dead] == [b"40", b"41", b"42"]
    errors = [dict(record.headers)["dlq.error"].decode() for record in dead]
    assert [error.split(":")[0] for error in errors] == ["value", "key", "ts"]
    assert store.load(2, ["ann"]).events.tolist() == [0]
