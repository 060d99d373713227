"""Laws of the intake: which topic waits for which, and which is held."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from arriving import NOW, chunk, times
from faust.types import TP

import stream.intake
from stream.chunks import Chunk
from stream.intake import Intake

CLICKS, PURCHASES, FORGET = TP("clicks", 3), TP("purchases", 3), TP("forget", 3)


class FakeConsumer:
    """Knows the ends of its logs, and how far they were handed on; the log of another topic is empty."""

    def __init__(self, **ends: int) -> None:
        self.ends = {TP(topic, 3): end for topic, end in ends.items()}
        self.handed_on: dict[TP, int] = {}
        self.held: set[TP] = set()

    @property
    def ledger(self) -> "FakeConsumer":
        return self

    def taken(self, tp: TP) -> int | None:
        return self.handed_on.get(tp)

    def backlog(self, tp: TP) -> int | None:
        return self.ends.get(tp, 0) - self.handed_on.get(tp, 0)

    def hold(self, tp: TP) -> None:
        self.held.add(tp)

    def release(self, tp: TP) -> None:
        self.held.discard(tp)


class Desk:
    """An intake, the queue it reads from, and the batches it gave."""

    def __init__(
        self, consumer: FakeConsumer, limit: int = 100, topics: tuple[str, ...] = ("clicks", "purchases")
    ) -> None:
        self.consumer = consumer
        self.coming: asyncio.Queue[Chunk | None] = asyncio.Queue()
        self.intake = Intake(topics, limit, lambda: consumer, lambda: NOW)  # type: ignore[arg-type, return-value]
        self.batches = self.intake.batches(self._chunks())

    async def _chunks(self) -> AsyncIterator[Chunk]:
        while (arrived := await self.coming.get()) is not None:
            yield arrived

    def arrive(self, *chunks: Chunk) -> None:
        for arrived in chunks:
            self.consumer.handed_on[arrived.tp] = arrived.next_offset
            self.coming.put_nowait(arrived)

    def end(self) -> None:
        """Let the chunks end."""
        self.coming.put_nowait(None)

    async def next_times(self) -> list[int]:
        """Return the times of the next batch's events."""
        batch = await asyncio.wait_for(anext(self.batches), timeout=30)
        return times(batch.events)


async def until(condition: Callable[[], bool]) -> None:
    """Wait until the condition holds, ten seconds at most."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.001)


async def taken_in(desk: Desk, tp: TP) -> None:
    """Wait until nothing is left in the queue, and something of a topic waits."""
    await until(lambda: desk.coming.empty() and desk.intake._arrivals.waiting(tp)[0] > 0)


def test_a_topic_waits_for_the_past_of_the_other() -> None:
    async def law() -> None:
        desk = Desk(FakeConsumer(clicks=3, purchases=2))
        desk.arrive(chunk(CLICKS, 0, [10, 20, 40]))
        first = asyncio.ensure_future(desk.next_times())
        await taken_in(desk, CLICKS)
        assert not first.done()
        desk.arrive(chunk(PURCHASES, 0, [15, 30]))
        assert await first == [10, 15, 20, 30, 40]

    asyncio.run(law())


def test_what_is_newer_than_the_others_newest_waits_for_the_rest_of_it() -> None:
    async def law() -> None:
        desk = Desk(FakeConsumer(clicks=3, purchases=2))
        desk.arrive(chunk(PURCHASES, 0, [15]), chunk(CLICKS, 0, [10, 20, 40]))
        assert await desk.next_times() == [10, 15]
        rest = asyncio.ensure_future(desk.next_times())
        await taken_in(desk, CLICKS)
        desk.arrive(chunk(PURCHASES, 1, [30]))
        assert await rest == [20, 30, 40]

    asyncio.run(law())


def test_a_topic_that_is_read_to_its_end_is_not_waited_for() -> None:
    async def law() -> None:
        desk = Desk(FakeConsumer(clicks=2, purchases=0))
        desk.arrive(chunk(CLICKS, 0, [10, 20]))
        assert await desk.next_times() == [10, 20]

    asyncio.run(law())


def test_users_are_erased_before_events_that_may_be_theirs_are_looked_at() -> None:
    async def law() -> None:
        desk = Desk(FakeConsumer(clicks=2, forget=1), topics=("clicks", "purchases", "forget"))
        desk.arrive(chunk(CLICKS, 0, [10, 20]))
        first = asyncio.ensure_future(desk.next_times())
        await taken_in(desk, CLICKS)
        assert not first.done()
        desk.consumer.handed_on[FORGET] = 1  # with the other agent, not done
        await asyncio.sleep(0.02)
        assert not first.done()
        del desk.consumer.handed_on[FORGET], desk.consumer.ends[FORGET]
        assert await first == [10, 20]

    asyncio.run(law())


def test_nobody_is_waited_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream.intake, "_PATIENCE", 0.01)

    async def law() -> None:
        desk = Desk(FakeConsumer(clicks=1, purchases=5))
        desk.arrive(chunk(CLICKS, 0, [10]))
        assert await desk.next_times() == [10]

    asyncio.run(law())


def test_patience_starts_anew_with_a_partition_that_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1_000.0]
    monkeypatch.setattr(stream.intake, "monotonic", lambda: now[0])

    async def law() -> None:
        desk = Desk(FakeConsumer(clicks=2, purchases=1))
        desk.arrive(chunk(CLICKS, 0, [10, 30]))
        first = asyncio.ensure_future(desk.next_times())
        await taken_in(desk, CLICKS)
        desk.intake.forget([CLICKS, PURCHASES])
        now[0] += 3_600
        desk.arrive(chunk(CLICKS, 0, [10, 30], epoch=2))
        await taken_in(desk, CLICKS)
        desk.arrive(chunk(PURCHASES, 0, [20], epoch=2))
        assert await first == [10, 20, 30]

    asyncio.run(law())


def test_a_batch_is_no_larger_than_the_limit() -> None:
    async def law() -> None:
        desk = Desk(FakeConsumer(clicks=5), limit=2)
        desk.arrive(chunk(CLICKS, 0, [1, 2, 3, 4, 5]))
        assert [await desk.next_times() for _ in range(3)] == [[1, 2], [3, 4], [5]]

    asyncio.run(law())


def test_a_topic_that_runs_ahead_is_held_and_let_go() -> None:
    async def law() -> None:
        desk = Desk(FakeConsumer(clicks=30, purchases=1), limit=2)
        desk.arrive(chunk(CLICKS, 0, list(range(1, 31))))
        first = asyncio.ensure_future(desk.next_times())
        await taken_in(desk, CLICKS)
        await until(lambda: CLICKS in desk.consumer.held)
        desk.arrive(chunk(PURCHASES, 0, [40]))
        seen = await first
        while len(seen) < 31:
            seen += await desk.next_times()
        desk.end()
        with pytest.raises(StopAsyncIteration):
            await desk.next_times()
        assert seen == [*range(1, 31), 40]
        assert not desk.consumer.held

    asyncio.run(law())


def test_a_topic_whose_records_are_large_is_held_after_a_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stream.intake._WAITING_BYTES", 1_000)

    async def law() -> None:
        desk = Desk(FakeConsumer(clicks=30, purchases=1))
        desk.arrive(chunk(CLICKS, 0, list(range(1, 31))))
        first = asyncio.ensure_future(desk.next_times())
        await taken_in(desk, CLICKS)
        await until(lambda: CLICKS in desk.consumer.held)
        desk.arrive(chunk(PURCHASES, 0, [40]))
        assert await first == [*range(1, 31), 40]
        desk.end()
        with pytest.raises(StopAsyncIteration):
            await desk.next_times()
        assert not desk.consumer.held

    asyncio.run(law())


def test_what_waits_is_released_before_the_end() -> None:
    async def law() -> None:
        desk = Desk(FakeConsumer(clicks=2), limit=1)
        desk.arrive(chunk(CLICKS, 0, [10, 20]))
        desk.end()
        assert [times(batch.events) async for batch in desk.batches] == [[10], [20]]

    asyncio.run(law())
