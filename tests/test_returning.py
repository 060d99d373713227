"""Laws of a learner that comes back: once for each time it stepped back, and over the examples alone."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from stream.returning import Returning

EXAMPLES = TP("examples", 0)


class Lease:
    """Held from when it is opened on."""

    def __init__(self) -> None:
        self.is_held = asyncio.Event()

    async def held(self) -> None:
        await self.is_held.wait()


class Consumer:
    """Notes what is read again, or fails."""

    def __init__(self, error: Exception | None = None) -> None:
        self.lease, self.again = Lease(), list[TP]()
        self._error = error

    async def read_again(self, tp: TP) -> None:
        self.again.append(tp)
        if self._error is not None:
            raise self._error


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def returning(learner: Any, consumer: Any) -> Returning:
    return Returning(learner, EXAMPLES, lambda: consumer)


def test_one_that_was_replaced_reads_the_examples_again_once_the_lease_is_held() -> None:
    async def run() -> None:
        learner, consumer = SimpleNamespace(was_replaced=False, has_gone_back=False), Consumer()
        bringing = returning(learner, consumer)
        consumer.lease.is_held.set()
        bringing.look()
        await settle()
        assert consumer.again == []
        learner.was_replaced = True
        consumer.lease.is_held.clear()
        bringing.look()
        await settle()
        bringing.look()  # while it is under way
        assert consumer.again == []
        consumer.lease.is_held.set()
        await settle()
        assert consumer.again == [EXAMPLES]
        learner.was_replaced = False
        bringing.look()
        await settle()
        assert consumer.again == [EXAMPLES]

    asyncio.run(run())


def test_one_that_has_gone_back_reads_the_examples_again_and_once() -> None:
    async def run() -> None:
        learner, consumer = SimpleNamespace(was_replaced=False, has_gone_back=True), Consumer()
        bringing = returning(learner, consumer)
        consumer.lease.is_held.set()
        for _ in range(3):
            bringing.look()
            await settle()
        assert consumer.again == [EXAMPLES]

    asyncio.run(run())


def test_what_ended_a_return_is_raised_at_the_next_look() -> None:
    async def run() -> None:
        consumer = Consumer(OSError("the broker is away"))
        consumer.lease.is_held.set()
        bringing = returning(SimpleNamespace(was_replaced=True, has_gone_back=False), consumer)
        bringing.look()
        await settle()
        with pytest.raises(OSError, match="the broker is away"):
            bringing.look()

    asyncio.run(run())
