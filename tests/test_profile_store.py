"""Laws of the profile store: what was committed is there, all of it or nothing."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from strategies import START_MS, USERS, as_batch, streams

from models.events import Action, Event
from models.fold import fold
from models.layout import UnreadableProfile
from models.profile import Profiles
from models.seen import BLOCK, UnreadableBlocks
from stream.changelog import WriterEpoch
from stream.changelog_position import NOBODY, ChangelogPosition
from stream.commits import Commit
from stream.profiles import ProfileStore
from stream.publisher import OffsetRange
from stream.storage import Storage, StorageUnusable


def events(count: int, user: str = "ann") -> list[Event]:
    return [
        Event(
            event_id=f"e{n}", event=Action.VIEW_ITEM, ts=START_MS + n, user_id=user, item_id=f"item-{n % 8}"
        )
        for n in range(count)
    ]


def commit(store: ProfileStore, stream: list[Event], partition: int = 0) -> Commit:
    profiles = store.load(partition, [event.user_id for event in stream])
    fold(profiles, as_batch(stream))
    return store.commit(partition, profiles, {"clicks": len(stream)}, [b"said"])


def apply(store: ProfileStore, changes: Mapping[bytes, bytes | None]) -> None:
    store.apply(0, changes, ChangelogPosition("log", 1, NOBODY))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "profiles"


@pytest.fixture
def store(folder: Path) -> Iterator[ProfileStore]:
    store = ProfileStore(folder)
    yield store
    store.close()


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stream=streams())
def test_what_was_committed_is_there_after_a_restart(
    tmp_path_factory: pytest.TempPathFactory, stream: list[Event]
) -> None:
    folder = tmp_path_factory.mktemp("store") / "profiles"
    store = ProfileStore(folder)
    profiles = store.load(0, USERS)
    fold(profiles, as_batch(stream))
    store.commit(0, profiles, {"clicks": 7, "purchases": 9}, [])
    store.close()
    store = ProfileStore(folder)
    np.testing.assert_array_equal(store.load(0, USERS).words, profiles.words)
    assert store.offsets(0) == {"clicks": 7, "purchases": 9}
    store.close()


def test_repeats_are_known_after_a_restart_also_in_full_blocks(folder: Path) -> None:
    store = ProfileStore(folder)
    stream = events(3 * BLOCK + 5)
    for start in range(0, len(stream), 40):
        commit(store, stream[start : start + 40])
    store.close()
    store = ProfileStore(folder)
    again = store.load(0, ["ann"])
    assert len(again.blocks[0]) == 3
    assert not len(fold(again, as_batch(stream)).kept)
    store.close()


def test_offsets_that_were_asked_for_are_those_of_every_later_change(store: ProfileStore) -> None:
    assert store.offsets(0) == {}
    commit(store, events(3))
    assert store.offsets(0) == {"clicks": 3}
    apply(store, {b"nclicks": b"2", b"npurchases": b"9"})
    assert store.offsets(0) == {"clicks": 2, "purchases": 9}
    store.drop(0)
    assert store.offsets(0) == {}


def test_offsets_are_looked_up_on_disk_once(store: ProfileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(store, events(2))
    assert store.offsets(0) == {"clicks": 2}
    monkeypatch.delattr(Storage, "scan")
    commit(store, events(3))
    assert store.offsets(0) == {"clicks": 3}


def test_a_user_nobody_has_seen_has_an_empty_profile(store: ProfileStore) -> None:
    assert store.load(0, ["nobody"]).events.tolist() == [0]


def test_users_are_loaded_once_each_in_the_order_of_their_names(store: ProfileStore) -> None:
    assert store.load(0, ["bob", "ann", "bob"]).users == ["bob", "ann"]


def test_partitions_do_not_know_each_other(store: ProfileStore) -> None:
    commit(store, events(1), partition=1)
    assert store.load(2, ["ann"]).events.tolist() == [0]
    assert store.offsets(2) == {}
    commit(store, events(3), partition=2)
    store.drop(1)
    assert store.load(1, ["ann"]).events.tolist() == [0]
    assert store.unconfirmed(1) == Commit([], {}, [])
    assert store.load(2, ["ann"]).events.tolist() == [3]


def test_ids_that_look_like_other_names_are_just_users(store: ProfileStore) -> None:
    odd = ["p", "bann", "nclicks", "o\0\0", "\0", "ann\0"]
    for number, user in enumerate(odd):
        commit(store, events(number + 1, user))
    assert store.load(0, odd).events.tolist() == [1, 2, 3, 4, 5, 6]
    assert store.offsets(0) == {"clicks": 6}


def test_the_outbox_is_kept_until_it_is_confirmed(folder: Path) -> None:
    store = ProfileStore(folder)
    first, second = commit(store, events(2)), commit(store, events(BLOCK + 1))
    store.close()
    store = ProfileStore(folder)
    assert store.unconfirmed(0) == Commit.join([first, second])
    store.confirm(0, first.tickets, [])
    assert store.unconfirmed(0) == second
    assert commit(store, events(1, "bob")).tickets > second.tickets
    store.close()


def test_an_id_is_drawn_for_each_folder_once(folder: Path, tmp_path: Path) -> None:
    found = []
    for place in (folder, folder, tmp_path / "other"):
        store = ProfileStore(place)
        found.append(store.writer)
        store.close()
    assert found[0] == found[1] != found[2]
    assert {len(writer) for writer in found} == {8}


def test_a_claim_is_told_until_it_is_confirmed_with_the_values_as_they_are(folder: Path) -> None:
    store = ProfileStore(folder)
    known = commit(store, events(3))
    store.confirm(0, known.tickets, [])
    claimed = ChangelogPosition("log", 40, WriterEpoch(b"other", 6), claim=WriterEpoch(store.writer, 7))
    claim = store.claim(0, {b"tclicks": b"id"}, {b"pann", b"pgone"}, claimed)
    assert claim.changes == {b"pann": known.changes[b"pann"], b"pgone": None, b"tclicks": b"id"}
    store.close()
    store = ProfileStore(folder)
    assert store.changelog_position(0) == claimed
    assert store.source_offsets.identities(0) == {"clicks": "id"}
    assert store.unconfirmed(0) == claim
    store.confirm(0, claim.tickets, [OffsetRange(40, 44)])
    store.close()
    store = ProfileStore(folder)
    assert store.changelog_position(0) == ChangelogPosition("log", 44, claimed.claim, claimed.claim)
    assert store.unconfirmed(0).tickets == []
    store.close()


def test_notes_outlive_the_partitions(folder: Path) -> None:
    store = ProfileStore(folder)
    assert store.dead_letters_sent_below("catalog", 3) == 0
    store.note_dead_letters_sent("catalog", 3, 17)
    store.drop(3)
    store.close()
    store = ProfileStore(folder)
    assert [store.dead_letters_sent_below("catalog", number) for number in (3, 1)] == [17, 0]
    store.close()


def test_the_changelog_builds_the_same_store_elsewhere(store: ProfileStore, tmp_path: Path) -> None:
    other = ProfileStore(tmp_path / "other")
    for count in (3, BLOCK + 9):
        apply(other, commit(store, events(count)).changes)
    mine, theirs = store.load(0, ["ann"]), other.load(0, ["ann"])
    np.testing.assert_array_equal(mine.words, theirs.words)
    np.testing.assert_array_equal(mine.blocks[0], theirs.blocks[0])
    assert other.offsets(0) == store.offsets(0)
    apply(other, {b"pann": None})
    assert other.load(0, ["ann"]).events.tolist() == [0]
    other.close()


def test_only_changed_profiles_are_written(store: ProfileStore) -> None:
    commit(store, events(1))
    profiles = store.load(0, ["ann", "bob"])
    fold(profiles, as_batch(events(1)))
    assert store.commit(0, profiles, {}, []).changes == {}


COMMITTER = """
import itertools, sys
from pathlib import Path
import numpy as np
from stream.profiles import ProfileStore
store = ProfileStore(Path(sys.argv[1]))
for number in itertools.count(1):
    profiles = store.load(0, [f"user-{n}" for n in range(50)])
    profiles.events[:] = number
    profiles.touched[:] = True
    store.commit(0, profiles, {"clicks": number}, [str(number).encode()])
    print(number, flush=True)
"""


@pytest.mark.parametrize("after", [1, 7, 40])
def test_a_killed_worker_leaves_state_offsets_and_outbox_of_one_moment(folder: Path, after: int) -> None:
    command = [sys.executable, "-c", COMMITTER, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
        deadline = threading.Timer(60, worker.kill)
        deadline.start()
        assert worker.stdout is not None
        seen = [int(worker.stdout.readline()) for _ in range(after)]
        worker.send_signal(signal.SIGKILL)
        deadline.cancel()
    store = ProfileStore(folder)
    (offset,) = store.offsets(0).values()
    assert offset >= seen[-1]
    assert store.load(0, [f"user-{n}" for n in range(50)]).events.tolist() == [offset] * 50
    assert store.unconfirmed(0).outbox == [b"%d" % n for n in range(1, offset + 1)]
    store.close()


def test_a_second_worker_on_the_same_folder_is_told_so(store: ProfileStore, folder: Path) -> None:
    assert store.offsets(0) == {}
    with pytest.raises(StorageUnusable, match="HEADRACE_DATA_DIR"):
        ProfileStore(folder)


def test_a_damaged_profile_is_refused(store: ProfileStore) -> None:
    apply(store, {b"pann": b"\x63" + Profiles(["ann"]).to_rows(slice(None))[0][1:]})
    with pytest.raises(UnreadableProfile, match="99"):
        store.load(0, ["ann"])


def test_a_busy_profile_without_its_blocks_is_refused(store: ProfileStore) -> None:
    commit(store, events(BLOCK))
    apply(store, {b"bann": None})
    with pytest.raises(UnreadableBlocks):
        store.load(0, ["ann"])


def test_what_is_not_hot_is_read_from_disk(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stream.storage._HOT_BYTES", 0)
    store = ProfileStore(folder)
    commit(store, events(5))
    assert store.load(0, ["bob", "ann"]).events.tolist() == [0, 5]
    store.close()
