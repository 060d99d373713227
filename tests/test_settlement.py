"""Laws of the end of a batch: nothing is done before the broker has everything."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

import pytest

from stream.outbox import Letter
from stream.profiles import Commit
from stream.publisher import Outgoing
from stream.settlement import Settlement


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


class FakeStore:
    def __init__(self, unconfirmed: list[Commit]) -> None:
        self.confirmed: list[tuple[int, int]] = []
        self._unconfirmed = unconfirmed

    def confirm(self, partition: int, ticket: int) -> None:
        self.confirmed.append((partition, ticket))

    def unconfirmed(self, partition: int) -> list[Commit]:
        assert partition == 2
        return self._unconfirmed


class Desk:
    """A settlement with all that is around it."""

    def __init__(self, *unconfirmed: Commit) -> None:
        self.publisher, self.store = FakePublisher(), FakeStore([*unconfirmed])
        self.errors: list[BaseException] = []
        self.done: list[int] = []
        self.settlement = Settlement(self.publisher, self.store, "profiles", self.fail)  # type: ignore[arg-type]

    async def fail(self, error: BaseException) -> None:
        self.errors.append(error)

    async def begin(self, ticket: int) -> None:
        await self.settlement.begin(2, commit(ticket), lambda: self.done.append(ticket))

    def confirm_all(self) -> None:
        for confirmation in self.publisher.confirmations:
            if not confirmation.done():
                confirmation.set_result([])


def commit(ticket: int) -> Commit:
    letters = [Letter("recommendations", 2, b"u", b"r"), Letter("examples", 0, None, b"x")]
    return Commit(ticket, [(b"row", b"bytes"), (b"gone", None)], [letter.to_bytes() for letter in letters])


def in_a_loop(law: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Return the test that runs the law in an event loop."""

    def test() -> None:
        asyncio.run(asyncio.wait_for(law(), timeout=30))

    test.__name__ = law.__name__
    return test


async def settle() -> None:
    """Let everything run that can."""
    for _ in range(10):
        await asyncio.sleep(0)


@in_a_loop
async def test_the_changelog_goes_first_and_then_each_letter_where_it_belongs() -> None:
    desk = Desk()
    await desk.begin(7)
    topics = [(topic, partition) for topic, partition, _ in desk.publisher.sent]
    assert topics[0] == ("profiles", 2)
    assert set(topics[1:]) == {("recommendations", 2), ("examples", 0)}
    assert [(r.key, r.value) for r in desk.publisher.sent[0][2]] == [(b"row", b"bytes"), (b"gone", None)]


@in_a_loop
async def test_nothing_is_done_before_the_broker_has_everything() -> None:
    desk = Desk()
    await desk.begin(7)
    for confirmation in desk.publisher.confirmations:
        assert not desk.done
        assert not desk.store.confirmed
        confirmation.set_result([])
        await settle()
    assert desk.done == [7]
    assert desk.store.confirmed == [(2, 7)]


@in_a_loop
async def test_what_the_broker_refuses_is_never_done_and_ends_the_worker() -> None:
    desk = Desk()
    await desk.begin(7)
    refusal = ConnectionError("the broker is away")
    desk.publisher.confirmations[0].set_exception(refusal)
    desk.confirm_all()
    await desk.settlement.drain()
    assert desk.errors == [refusal]
    assert not desk.done
    assert not desk.store.confirmed


@in_a_loop
async def test_a_batch_waits_where_too_many_are_unconfirmed() -> None:
    desk = Desk()
    begun = [asyncio.ensure_future(desk.begin(ticket)) for ticket in range(40)]
    await settle()
    waiting = [task for task in begun if not task.done()]
    assert 0 < len(waiting) < 40
    while not all(task.done() for task in begun):
        desk.confirm_all()
        await settle()
    desk.confirm_all()
    await desk.settlement.drain()
    assert desk.done == list(range(40))


@in_a_loop
async def test_what_an_earlier_run_had_to_say_is_said_again_byte_for_byte() -> None:
    desk = Desk(commit(4), commit(5))
    resent = asyncio.ensure_future(desk.settlement.resend(2))
    await settle()
    assert not resent.done()
    desk.confirm_all()
    await resent
    assert desk.store.confirmed == [(2, 4), (2, 5)]
    sent = [
        r.value for topic, _, records in desk.publisher.sent for r in records if topic == "recommendations"
    ]
    assert sent == [b"r", b"r"]


@in_a_loop
async def test_with_nothing_open_there_is_nothing_to_wait_for() -> None:
    await Desk().settlement.drain()


@pytest.mark.parametrize("tickets", [1, 5])
def test_drain_waits_for_all_that_was_begun(tickets: int) -> None:
    async def law() -> None:
        desk = Desk()
        for ticket in range(tickets):
            await desk.begin(ticket)
        drained = asyncio.ensure_future(desk.settlement.drain())
        await settle()
        assert not drained.done()
        desk.confirm_all()
        await drained
        assert desk.done == list(range(tickets))

    asyncio.run(asyncio.wait_for(law(), timeout=30))


@in_a_loop
async def test_a_batch_whose_agent_is_stopped_while_it_is_sent_is_sent_to_its_end() -> None:
    desk = Desk()
    begun = asyncio.ensure_future(desk.begin(7))
    await asyncio.sleep(0)
    begun.cancel()
    await settle()
    assert len(desk.publisher.sent) == 3
    desk.confirm_all()
    await desk.settlement.drain()
    assert desk.done == [7]


@in_a_loop
async def test_what_is_abandoned_stays_unconfirmed_and_is_no_failure() -> None:
    desk = Desk()
    await desk.begin(7)
    desk.settlement.abandon()
    await settle()
    assert not desk.store.confirmed
    assert not desk.errors
