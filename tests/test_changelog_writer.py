"""Laws of restoring, claiming and appending, on a changelog in memory, through storms of workers.

Each worker folds the numbers from 0 on: a user has those that it was given, and ``n`` is the next one. So
what a store holds is right if, whatever happened before, its users have each number below ``n`` once.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import pytest
from faust.types import TP

from stream.changelog import WriterEpoch, outgoing
from stream.changelog_position import ChangelogPosition
from stream.changelog_writer import ChangelogWriter, PartitionTaken
from stream.commits import Commit
from stream.erasure_markers import Erased, marker_of
from stream.profiles import ProfileStore
from stream.publisher import OffsetRange, Outgoing

USERS = (b"pann", b"pbob", b"peve")
NEXT = b"nclicks"
IDENTITIES = {"profiles": "log", "clicks": "clicks"}


class Read(NamedTuple):
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


class MemoryLog:
    """A partition of the changelog, of which a reader and a publisher are given out."""

    def __init__(self) -> None:
        self.records: list[Read] = []
        self.end = 0

    def write(self, records: Iterable[Outgoing]) -> list[OffsetRange]:
        start = self.end
        for record in records:
            self.records.append(Read(self.end, record.key, record.value, record.headers))
            self.end += 1
        return [OffsetRange(start, self.end)]

    def compact(self) -> None:
        newest = {record.key: record.offset for record in self.records}
        self.records = [record for record in self.records if record.offset in newest.values()]

    async def publish_in_turn(self, *to: Any) -> list[OffsetRange]:
        return self.write(to[-1])

    async def ends(self, tps: Iterable[TP]) -> dict[TP, int]:
        return {tp: self.end if tp.topic == "profiles" else 10**9 for tp in tps}

    async def read(self, _: TP, start: int, end: int) -> AsyncIterator[list[Read]]:
        found = [record for record in self.records if start <= record.offset < end]
        for at in range(0, len(found), 3):
            yield found[at : at + 3]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


class Host:
    """A worker: its store, and what it has sent and not yet appended."""

    def __init__(self, folder: Path, log: MemoryLog) -> None:
        self.store = ProfileStore(folder)
        self.log = log
        self.writer = ChangelogWriter(self.store, log, lambda _: log, "profiles")  # type: ignore[arg-type, return-value]
        self.waiting: list[Commit] = []

    async def take(self) -> None:
        """Take the partition over, as a process that has just started."""
        self.waiting.clear()
        whole = await self.writer.take(self.log, 0, IDENTITIES)  # type: ignore[arg-type]
        if whole.tickets:
            await self.writer.append(0, whole)

    def fold(self, count: int) -> None:
        """Commit the next numbers, each to its user, and tell them."""
        first = self.store.offsets(0).get("clicks", 0)
        held = self.users()
        for number in range(first, first + count):
            held[number % len(USERS)].append(number)
        touched = {number % len(USERS) for number in range(first, first + count)}
        changes = {USERS[place]: repr(held[place]).encode() for place in touched}
        changes[NEXT] = b"%d" % (first + count)
        position = self.store.changelog_position(0)
        self.waiting.append(self.store.claim(0, changes, [], position))

    async def publish(self) -> None:
        whole, self.waiting = Commit.join(self.waiting), []
        await self.writer.append(0, whole)

    def die_publishing(self, records: int) -> None:
        """Put only so many records of what waits into the log, and forget what waits."""
        whole, self.waiting = Commit.join(self.waiting), []
        self.log.write(outgoing(self.store.changelog_position(0).claim, whole.changes)[:records])

    def users(self) -> list[list[int]]:
        rows = self.store._storage.read(0, list(USERS))
        return [
            [] if row is None else [int(word) for word in row.strip(b"[]").split(b",") if word]
            for row in rows
        ]

    def check(self) -> int:
        """See that each number below the next is there once; return the next."""
        end = self.store.offsets(0).get("clicks", 0)
        assert self.users() == [list(range(place, end, len(USERS))) for place in range(len(USERS))]
        return end


Hosts = Callable[[], Host]


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> MemoryLog:
    monkeypatch.setattr("stream.changelog_writer._REVOKED_WITHIN_SECONDS", 0)
    return MemoryLog()


@pytest.fixture
def host(log: MemoryLog, tmp_path: Path) -> Hosts:
    made: list[Host] = []

    def make() -> Host:
        made.append(Host(tmp_path / f"{len(made)}", log))
        return made[-1]

    return make


async def begun(host: Host, count: int = 4) -> Host:
    await host.take()
    host.fold(count)
    await host.publish()
    return host


def test_who_has_nothing_has_all_that_was_published(host: Hosts) -> None:
    async def law() -> None:
        first, second = await begun(host()), host()
        first.fold(3)
        await second.take()
        assert second.check() == 4

    asyncio.run(law())


def test_a_copy_that_nobody_overtook_is_kept_and_published(host: Hosts) -> None:
    async def law() -> None:
        first, cold = await begun(host()), host()
        first.fold(3)
        await first.take()
        await cold.take()
        assert first.check() == cold.check() == 7

    asyncio.run(law())


def test_a_copy_that_another_overtook_loses_what_it_had_not_published(host: Hosts) -> None:
    async def law() -> None:
        first, second = await begun(host()), host()
        first.fold(3)
        await begun(second, 2)
        await first.take()
        assert first.check() == 6

    asyncio.run(law())


def test_a_warm_copy_reads_only_what_is_new(
    host: Hosts, log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def law() -> None:
        first, second = await begun(host()), host()
        start = log.end
        await begun(second, 2)
        starts = []
        read = log.read
        monkeypatch.setattr(log, "read", lambda tp, at, end: starts.append(at) or read(tp, at, end))
        await first.take()
        assert first.check() == 6
        assert starts == [start]

    asyncio.run(law())


def test_the_rest_of_a_commit_that_was_cut_off_does_not_count(host: Hosts) -> None:
    async def law() -> None:
        first, second, third = await begun(host()), host(), host()
        first.fold(3)
        first.die_publishing(records=2)
        await second.take()
        assert second.check() == 4
        await third.take()
        assert third.check() == 4

    asyncio.run(law())


def test_what_a_stale_worker_writes_does_not_count_and_is_written_over(host: Hosts, log: MemoryLog) -> None:
    async def law() -> None:
        stale, owner, cold = await begun(host()), host(), host()
        stale.fold(3)
        await begun(owner, 1)
        with pytest.raises(PartitionTaken, match="profiles-0"):
            await stale.publish()
        owner.fold(1)
        await owner.publish()
        log.compact()
        await cold.take()
        assert owner.check() == cold.check() == 6
        await stale.take()
        assert stale.check() == 6

    asyncio.run(law())


def test_what_is_written_over_never_overtakes_records_that_are_on_their_way(host: Hosts) -> None:
    async def law() -> None:
        stale, owner, cold = await begun(host()), host(), host()
        stale.fold(3)
        await begun(owner, 1)
        with pytest.raises(PartitionTaken):
            await stale.publish()
        for _ in range(3):
            owner.fold(1)
        await owner.writer.append(0, owner.waiting.pop(0))
        await cold.take()
        assert cold.check() == 6
        assert owner.check() == 8

    asyncio.run(law())


def test_a_takeover_that_was_never_published_has_not_happened(host: Hosts) -> None:
    async def law() -> None:
        first, second = await begun(host()), host()
        await first.writer.take(first.log, 0, {**IDENTITIES, "clicks": "new"})  # type: ignore[arg-type]
        await begun(second, 2)
        await first.take()
        assert (
            first.store.changelog_position(0).claim.number > second.store.changelog_position(0).claim.number
        )
        assert first.check() == 6

    asyncio.run(law())


def test_an_older_backup_of_a_store_is_brought_up_to_date(host: Hosts, log: MemoryLog) -> None:
    async def law() -> None:
        first = await begun(host())
        first.fold(3)
        epoch = first.store.changelog_position(0).claim
        log.write(outgoing(epoch, {USERS[0]: b"[0, 3, 6]", USERS[1]: b"[1, 4, 7]"}))
        log.write(outgoing(epoch, {USERS[2]: b"[2, 5]", NEXT: b"8"}))
        await first.take()
        assert first.check() == 8

    asyncio.run(law())


def test_a_copy_in_which_another_has_erased_users_loses_them_also_where_the_log_no_longer_says_so(
    host: Hosts, log: MemoryLog
) -> None:
    async def law() -> None:
        first, second = await begun(host()), host()
        await second.take()
        await _erase(second)
        second.fold(1)
        await second.publish()
        log.compact()
        log.records = [record for record in log.records if record.value is not None]
        await first.take()
        assert first.users() == second.users() == [[], [1, 4], [2]]
        assert first.store.markers(0).of("ann") == Erased(7, 7)
        assert first.store.tickets.unpurged(0) is not None

    asyncio.run(law())


def test_a_copy_is_kept_by_whoever_erased_the_users_or_knows_of_it(
    host: Hosts, log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def law() -> None:
        first, second = await begun(host()), host()
        await _erase(first)
        starts = []
        read = log.read
        monkeypatch.setattr(log, "read", lambda tp, at, end: starts.append(at) or read(tp, at, end))
        await begun(second, 1)
        await first.take()
        await begun(second, 1)
        assert first.users() == [[], [1, 4], [2]]
        assert second.users() == [[], [1, 4], [2, 5]]
        assert (starts[0], len(starts)) == (0, 3)
        assert min(starts[1:]) > 0

    asyncio.run(law())


async def _erase(host: Host) -> None:
    """Erase the first user."""
    name, value = marker_of("ann", Erased(7, 7))
    host.waiting.append(host.store.erase(0, {USERS[0]: None, name: value}, {}, []))
    await host.publish()


@pytest.mark.parametrize(
    ("position", "why"),
    [(ChangelogPosition("other", 3), "recreated"), (ChangelogPosition("log", 99), "ends at")],
    ids=["another-topic", "beyond-the-end"],
)
def test_a_copy_of_another_log_is_thrown_away(
    host: Hosts, position: ChangelogPosition, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def law() -> None:
        first, second = await begun(host()), host()
        second.store.apply(0, {USERS[0]: b"[5]", NEXT: b"1"}, position)
        await second.take()
        assert second.check() == first.check() == 4

    asyncio.run(law())
    assert why in caplog.text


def test_nothing_is_claimed_again_where_nothing_has_changed(host: Hosts, log: MemoryLog) -> None:
    async def law() -> None:
        first, end = await begun(host()), log.end
        await first.take()
        assert log.end == end
        assert first.store.changelog_position(0).claim == WriterEpoch(first.store.writer, 1)

    asyncio.run(law())


@pytest.mark.parametrize("seed", range(30))
def test_no_storm_of_workers_loses_or_repeats_a_number(host: Hosts, log: MemoryLog, seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311 (a storm, no secret)

    async def law() -> None:
        hosts = [host() for _ in range(3)]
        owner = await begun(hosts[0])
        for _ in range(40):
            await _weather(draw, owner, log)
            if draw.random() < 0.35:
                owner = draw.choice(hosts)
                if draw.random() < 0.2:
                    place = hosts.index(owner)
                    owner = hosts[place] = host()
                stale = [one for one in hosts if one is not owner and one.waiting and draw.random() < 0.3]
                await owner.take()
                for one in stale:
                    one.die_publishing(draw.randint(0, 6))
            owner.check()
            folded = owner.store.offsets(0).get("clicks", 0)
            if draw.random() < 0.2:
                cold = host()
                await _peek(cold)
                assert cold.check() <= folded
                cold.store.close()

    asyncio.run(law())


async def _weather(draw: random.Random, owner: Host, log: MemoryLog) -> None:
    for _ in range(draw.randint(1, 3)):
        owner.fold(draw.randint(1, 4))
    fate = draw.random()
    if fate < 0.6:
        await owner.publish()
        if draw.random() < 0.3:
            log.compact()
    elif fate < 0.8:
        owner.die_publishing(draw.randint(0, 6))
        await owner.take()


async def _peek(cold: Host) -> None:
    """Read the changelog without claiming it: the next owner may be another."""
    records, end = list(cold.log.records), cold.log.end
    await cold.take()
    cold.log.records, cold.log.end = records, end
