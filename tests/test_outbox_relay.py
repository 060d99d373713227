"""Laws of the end of a batch: first its outbox, then the changelog in the order of commits, then done."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

import pytest

from stream.commits import Commit
from stream.outbox import OutboxRecord
from stream.outbox_relay import OutboxRelay
from stream.publisher import Outgoing


class FakePublisher:
    """Keeps what is published; each confirmation is open until the test closes it."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, int, list[Outgoing]]] = []
        self.confirmations: list[asyncio.Future[list[Any]]] = []

    async def publish(
        self, topic: str, partition: int, records: Iterable[Outgoing]
    ) -> asyncio.Future[list[Any]]:
        self.sent.append((topic, partition, list(records)))
        self.confirmations.append(asyncio.get_running_loop().create_future())
        return self.confirmations[-1]


class FakeChangelogWriter:
    """Keeps what is appended; each append waits until the test ends it."""

    def __init__(self) -> None:
        self.appended: list[Commit] = []
        self.ends: list[asyncio.Future[None]] = []

    async def append(self, partition: int, commit: Commit) -> None:
        assert partition == 2
        self.appended.append(commit)
        self.ends.append(asyncio.get_running_loop().create_future())
        await self.ends[-1]


class Desk:
    """A relay of partition 2 with all that is around it."""

    def __init__(self) -> None:
        self.publisher, self.writer = FakePublisher(), FakeChangelogWriter()
        self.errors: list[BaseException] = []
        self.done: list[int] = []
        self.relay = OutboxRelay(self.publisher, self.writer, self.fail)  # type: ignore[arg-type]

    async def opened(self) -> "Desk":
        await self.relay.open(2, Commit([], {}, []))
        return self

    async def fail(self, error: BaseException) -> None:
        self.errors.append(error)

    async def begin(self, ticket: int) -> None:
        await self.relay.begin(2, commit(ticket), lambda: self.done.append(ticket))

    def confirm(self, *places: int) -> None:
        """Confirm the outboxes of these commits, by their place; each has two destinations."""
        for place in places:
            for confirmation in self.publisher.confirmations[2 * place : 2 * place + 2]:
                confirmation.set_result([])

    async def confirm_all(self) -> None:
        for future in [*self.publisher.confirmations, *self.writer.ends]:
            if not future.done():
                future.set_result(None)  # type: ignore[arg-type]
        await settle()

    @property
    def appended(self) -> list[list[int]]:
        return [commit.tickets for commit in self.writer.appended]


def commit(ticket: int) -> Commit:
    records = [OutboxRecord("recommendations", 2, b"u", b"r"), OutboxRecord("examples", 0, None, b"x")]
    return Commit([ticket], {b"row": b"%d" % ticket}, [record.to_bytes() for record in records])


def in_a_loop(law: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Return the test that runs the law in an event loop."""

    def test() -> None:
        asyncio.run(asyncio.wait_for(law(), timeout=30))

    test.__name__ = law.__name__
    return test


async def settle() -> None:
    """Let everything run that can."""
    for _ in range(20):
        await asyncio.sleep(0)


@in_a_loop
async def test_the_changelog_waits_for_every_outbox_record_and_the_end_for_the_changelog() -> None:
    desk = await Desk().opened()
    await desk.begin(7)
    assert {(topic, partition) for topic, partition, _ in desk.publisher.sent} == {
        ("recommendations", 2),
        ("examples", 0),
    }
    for confirmation in desk.publisher.confirmations:
        await settle()
        assert not desk.appended
        confirmation.set_result([])
    await settle()
    assert desk.appended == [[7]]
    assert not desk.done
    desk.writer.ends[0].set_result(None)
    await settle()
    assert desk.done == [7]


@in_a_loop
async def test_commits_are_appended_in_their_order_whichever_outbox_comes_first() -> None:
    desk = await Desk().opened()
    for ticket in range(3):
        await desk.begin(ticket)
    desk.confirm(2, 1)
    await settle()
    assert not desk.appended
    desk.confirm(0)
    await settle()
    assert desk.appended == [[0, 1, 2]]
    assert desk.writer.appended[0].changes == {b"row": b"2"}


@in_a_loop
async def test_one_appended_at_a_time_and_what_waits_meanwhile_goes_together() -> None:
    desk = await Desk().opened()
    for ticket in range(4):
        await desk.begin(ticket)
    desk.confirm(0)
    await settle()
    desk.confirm(1, 2)
    await settle()
    assert desk.appended == [[0]]
    desk.writer.ends[0].set_result(None)
    await settle()
    assert desk.appended == [[0], [1, 2]]
    assert desk.done == [0]


@in_a_loop
async def test_what_the_broker_refuses_is_never_done_and_ends_the_worker() -> None:
    desk = await Desk().opened()
    await desk.begin(7)
    refusal = ConnectionError("the broker is away")
    desk.publisher.confirmations[0].set_exception(refusal)
    await desk.confirm_all()
    await desk.relay.drain()
    assert desk.errors == [refusal]
    assert not desk.appended
    assert not desk.done


@in_a_loop
async def test_a_batch_waits_where_too_many_are_unconfirmed() -> None:
    desk = await Desk().opened()
    begun = [asyncio.ensure_future(desk.begin(ticket)) for ticket in range(40)]
    await settle()
    waiting = [task for task in begun if not task.done()]
    assert 0 < len(waiting) < 40
    while len(desk.done) < 40:
        await desk.confirm_all()
    assert desk.done == list(range(40))


@in_a_loop
async def test_what_an_earlier_run_had_to_say_is_said_before_a_partition_is_open() -> None:
    desk = Desk()
    opening = asyncio.ensure_future(desk.relay.open(2, commit(4)))
    await settle()
    assert [topic for topic, _, _ in desk.publisher.sent] == ["examples", "recommendations"]
    assert not opening.done()
    await desk.confirm_all()
    assert desk.appended == [[4]]
    await desk.confirm_all()
    await opening


@in_a_loop
async def test_with_nothing_open_there_is_nothing_to_wait_for() -> None:
    await (await Desk().opened()).relay.drain()


@pytest.mark.parametrize("tickets", [1, 5])
def test_drain_waits_for_all_that_was_begun(tickets: int) -> None:
    async def law() -> None:
        desk = await Desk().opened()
        for ticket in range(tickets):
            await desk.begin(ticket)
        drained = asyncio.ensure_future(desk.relay.drain())
        await settle()
        assert not drained.done()
        await desk.confirm_all()
        await desk.confirm_all()
        await drained
        assert desk.done == list(range(tickets))

    asyncio.run(asyncio.wait_for(law(), timeout=30))


@in_a_loop
async def test_a_batch_whose_agent_is_stopped_while_it_is_sent_is_sent_to_its_end() -> None:
    desk = await Desk().opened()
    begun = asyncio.ensure_future(desk.begin(7))
    await asyncio.sleep(0)
    begun.cancel()
    await settle()
    assert len(desk.publisher.sent) == 2
    await desk.confirm_all()
    await desk.confirm_all()
    assert desk.done == [7]


@in_a_loop
async def test_what_is_abandoned_is_not_done_and_is_no_failure() -> None:
    desk = await Desk().opened()
    await desk.begin(7)
    desk.relay.abandon()
    await settle()
    await desk.confirm_all()
    assert not desk.done
    assert not desk.errors


@in_a_loop
async def test_a_partition_is_left_when_what_was_begun_is_done_and_takes_no_more() -> None:
    desk = await Desk().opened()
    await desk.begin(7)
    leaving = asyncio.ensure_future(desk.relay.leave([2, 3]))
    await settle()
    assert not leaving.done()
    await desk.confirm_all()
    await desk.confirm_all()
    await leaving
    assert desk.done == [7]
    assert not desk.relay.holds(2)
    for ticket in range(40):
        await desk.begin(ticket)
    assert len(desk.publisher.sent) == 2


def test_what_the_broker_does_not_confirm_in_time_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    async def law() -> None:
        desk = await Desk().opened()
        for ticket in range(16):
            await desk.begin(ticket)
        await desk.relay.leave([2])
        await settle()
        assert not desk.done
        assert not desk.errors
        await desk.opened()
        await desk.begin(17)  # the slots are free again

    monkeypatch.setattr("stream.outbox_relay._DRAIN_SECONDS", 0.01)
    asyncio.run(asyncio.wait_for(law(), timeout=30))
