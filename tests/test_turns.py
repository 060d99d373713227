"""Laws of turns: order within a partition, side by side over partitions, never too many, no error lost."""

import asyncio
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.turns import Turns


class Work:
    """Notes what begins and ends, and what is under way meanwhile."""

    def __init__(self) -> None:
        self.ended: list[tuple[int, int]] = []
        self.running: list[int] = []
        self.most = 0

    async def do(self, partition: int, number: int, steps: int) -> None:
        assert partition not in self.running
        self.running.append(partition)
        self.most = max(self.most, len(self.running))
        for _ in range(steps):
            await asyncio.sleep(0)
        self.running.remove(partition)
        self.ended.append((partition, number))


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), max_size=20),
    st.integers(1, 4),
)
def test_each_partition_keeps_its_order_and_all_of_it_ends(work: list[tuple[int, int]], limit: int) -> None:
    done = Work()

    async def run() -> None:
        async with Turns(limit) as turns:
            for number, (partition, steps) in enumerate(work):
                await turns.start(partition, done.do(partition, number, steps))

    asyncio.run(run())
    assert done.most <= limit
    for partition, count in Counter(partition for partition, _ in work).items():
        numbers = [number for at, number in done.ended if at == partition]
        assert numbers == sorted(numbers)
        assert len(numbers) == count


def test_another_partition_does_not_wait() -> None:
    async def run() -> None:
        come = asyncio.Event()

        async def wait() -> None:
            await come.wait()

        async def let_go() -> None:
            come.set()

        async with Turns(2) as turns, asyncio.timeout(5):
            await turns.start(0, wait())
            await turns.start(1, let_go())

    asyncio.run(run())


def test_what_fails_is_raised_as_it_is_and_ends_the_others() -> None:
    ended: list[str] = []

    async def fail() -> None:
        raise LookupError("lost")

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    async def run() -> None:
        async with Turns(3) as turns:
            await turns.start(0, wait())
            await turns.start(1, fail())
            await asyncio.Event().wait()  # as an agent does that has read all there is

    with pytest.raises(LookupError, match="lost"):
        asyncio.run(run())
    assert ended == ["cancelled"]


def test_a_stop_cancels_what_is_under_way_and_never_begins_what_waits() -> None:
    begun: list[int] = []
    first = asyncio.Event()

    async def wait(number: int) -> None:
        begun.append(number)
        first.set()
        await asyncio.Event().wait()

    async def agent() -> None:
        async with Turns(3) as turns:
            for number in range(2):
                await turns.start(0, wait(number))

    async def run() -> None:
        task = asyncio.create_task(agent())
        await first.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    assert begun == [0]
