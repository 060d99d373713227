"""Laws of the purger: what was deleted leaves the files, once nothing that waits holds it any more."""

import asyncio
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from stream.changelog_position import NOBODY, ChangelogPosition
from stream.commits import Commit
from stream.erasure_markers import Erased, marker_of
from stream.profiles import ProfileStore
from stream.purger import Purger
from stream.storage import Storage

# What lz4 cannot make shorter stands in the files as it is.
SECRET = secrets.token_bytes(64)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ProfileStore]:
    store = ProfileStore(tmp_path / "profiles")
    yield store
    store.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def purger(store: ProfileStore, clock: Clock) -> Purger:
    async def fail(error: BaseException) -> None:
        raise error

    return Purger(store, 4, fail, clock)


def purge(purger: Purger, owned: set[int]) -> None:
    async def look() -> None:
        purger.keep(owned)
        await purger.purge()
        await purger.stop()

    asyncio.run(look())


def found(tmp_path: Path) -> bool:
    return any(SECRET in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def known(store: ProfileStore, partition: int = 1, outbox: list[bytes] | None = None) -> Commit:
    """Let a user's profile, and what is sent about the user, hold the secret; not confirmed yet."""
    return store.erase(partition, {b"pann": SECRET, b"pbob": b"1"}, {"clicks": 1}, outbox or [])


def erase(store: ProfileStore, partition: int = 1) -> Commit:
    marker, value = marker_of("ann", Erased(5, 5))
    return store.erase(partition, {b"pann": None, marker: value}, {"forget": 1}, [])


def test_what_was_erased_leaves_the_files_and_nothing_else_does(
    store: ProfileStore, purger: Purger, tmp_path: Path
) -> None:
    store.confirm(1, known(store).tickets, [])
    assert found(tmp_path)
    store.confirm(1, erase(store).tickets, [])
    purge(purger, {0, 1, 2, 3})
    assert not found(tmp_path)
    assert store._storage.read(1, [b"pann", b"pbob"]) == [None, b"1"]
    assert store.offsets(1) == {"clicks": 1, "forget": 1}
    assert store.markers(1).of("ann") == Erased(5, 5)
    assert store.tickets.unpurged(1) is None


def test_it_waits_for_what_earlier_commits_have_to_say(
    store: ProfileStore, purger: Purger, tmp_path: Path
) -> None:
    written, erased = known(store, outbox=[SECRET]), erase(store)
    for confirmed in (erased, written):
        purge(purger, {1})
        assert store.tickets.unpurged(1) == erased.tickets[0]
        assert found(tmp_path)
        store.confirm(1, confirmed.tickets, [])
    purge(purger, {1})
    assert not found(tmp_path)


def test_what_a_restart_finds_unpurged_is_purged(tmp_path: Path, clock: Clock) -> None:
    store = ProfileStore(tmp_path / "profiles")
    store.confirm(1, known(store).tickets, [])
    store.confirm(1, erase(store).tickets, [])
    store.close()
    store = ProfileStore(tmp_path / "profiles")
    purge(Purger(store, 4, asyncio.sleep, clock), {1})
    assert not found(tmp_path)
    store.close()


def test_a_rebuild_purges_whom_the_changelog_has_erased(
    store: ProfileStore, purger: Purger, tmp_path: Path
) -> None:
    store.apply(1, {b"pann": SECRET}, ChangelogPosition("log", 1))
    marker, value = marker_of("ann", Erased(5, 5))
    store.apply(1, {b"pann": None, marker: value}, ChangelogPosition("log", 2))
    purge(purger, {1})
    assert not found(tmp_path)


def test_a_copy_that_is_anothers_is_dropped_after_a_while_and_only_that(
    store: ProfileStore, purger: Purger, clock: Clock, tmp_path: Path
) -> None:
    for partition in (1, 2):
        store.apply(partition, {b"pann": SECRET if partition == 1 else b"2"}, ChangelogPosition("log", 1))
    purge(purger, {1, 2})
    for clock.now, is_there in ((100.0, True), (119.9, True), (120.0, False)):
        purge(purger, {0, 2, 3})
        assert (store.changelog_position(1) != ChangelogPosition()) is is_there
        assert found(tmp_path) is is_there
    assert store._storage.read(2, [b"pann"]) == [b"2"]


def test_a_copy_that_comes_back_in_time_stays(store: ProfileStore, purger: Purger, clock: Clock) -> None:
    store.apply(1, {b"pann": b"1"}, ChangelogPosition("log", 1, NOBODY))
    for clock.now, owned in ((0.0, {2}), (15.0, {1}), (30.0, {2}), (45.0, {2})):
        purge(purger, owned)
    assert store._storage.read(1, [b"pann"]) == [b"1"]


def test_what_is_dropped_while_the_files_are_purged_is_purged_next(
    store: ProfileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    compact = Storage.compact

    def compact_and_drop(storage: Storage, partition: int) -> None:
        compact(storage, partition)
        monkeypatch.undo()
        store.drop(partition)

    store.drop(1)
    monkeypatch.setattr(Storage, "compact", compact_and_drop)
    assert asyncio.run(store.tickets.purge(1))
    assert store.tickets.unpurged(1) is not None
    assert asyncio.run(store.tickets.purge(1))
    assert store.tickets.unpurged(1) is None
