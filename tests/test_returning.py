"""Laws of a learner that comes back: once for each time it stepped back, and over the examples alone."""

import asyncio
from collections.abc import Callable
from contextlib import closing
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
import torch
from faust.types import TP
from lessons import examples

from models.names import Names
from models.packing import pack
from stream.brain import Brain
from stream.chunks import Chunk, Ledger
from stream.learner import Learner
from stream.lessons import lessons
from stream.oversight import Oversight
from stream.progress import Progress
from stream.returning import Returning
from stream.settings import Settings

CPU = torch.device("cpu")

EXAMPLES = TP("examples", 0)


class Lease:
    """Held from when it is opened on."""

    def __init__(self) -> None:
        self.is_held = asyncio.Event()

    async def held(self) -> None:
        await self.is_held.wait()


class Consumer:
    """Notes what is read again, or fails."""

    def __init__(self, error: Exception | None = None, again: Callable[[], object] = list) -> None:
        self.lease, self.again = Lease(), list[TP]()
        self._error, self._does = error, again

    async def read_again(self, tp: TP) -> None:
        self.again.append(tp)
        self._does()
        if self._error is not None:
            raise self._error


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def returning(learner: Any, consumer: Any) -> Returning:
    return Returning(learner, EXAMPLES, lambda: consumer)


def test_one_that_has_stepped_back_reads_the_examples_again_once_the_lease_is_held() -> None:
    async def run() -> None:
        learner, consumer = SimpleNamespace(has_stepped_back=False, reading=0), Consumer()
        bringing = returning(learner, consumer)
        consumer.lease.is_held.set()
        bringing.look()
        await settle()
        assert consumer.again == []
        learner.has_stepped_back = True
        consumer.lease.is_held.clear()
        bringing.look()
        await settle()
        bringing.look()  # while it is under way
        assert consumer.again == []
        consumer.lease.is_held.set()
        await settle()
        assert consumer.again == [EXAMPLES]
        learner.has_stepped_back = False
        bringing.look()
        await settle()
        assert consumer.again == [EXAMPLES]

    asyncio.run(run())


def test_one_that_has_gone_back_reads_the_examples_again_and_once() -> None:
    async def run() -> None:
        learner, consumer = SimpleNamespace(has_stepped_back=False, reading=None), Consumer()
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
        bringing = returning(SimpleNamespace(has_stepped_back=True, reading=0), consumer)
        bringing.look()
        await settle()
        with pytest.raises(OSError, match="the broker is away"):
            bringing.look()

    asyncio.run(run())


class Journal:
    """Takes what a learner publishes."""

    def finish(self, chunks: Any) -> None:
        list(chunks)

    async def publish_if_due(self, *_: object) -> None:
        pass

    async def publish_all(self, *_: object, **__: object) -> None:
        pass


class Place(NamedTuple):
    offset: int
    value: bytes
    headers: tuple[tuple[str, bytes], ...] = ()
    timestamp: int = 0
    key: bytes | None = None


def records(start: int, stop: int) -> list[Any]:
    taught = (examples(8, offset, CPU) for offset in range(start, stop))
    packed = (pack(one, [f"item-{key}" for key in one.item.tolist()]) for one in taught)
    return [Place(offset, value) for offset, value in enumerate(packed, start)]


def learner_of(brain: Brain) -> Learner:
    """Return a learner of which nobody hears."""
    wire, names = SimpleNamespace(examples="examples"), Names()
    replica = SimpleNamespace(names=names)
    learner = Learner(brain, replica, wire, Any, oversight=Oversight(Settings()))  # type: ignore[arg-type]
    learner._publishing = Journal()  # type: ignore[assignment]
    learner.progress = Progress(100, {})
    return learner


async def decided(*_: object) -> None:
    pass


def test_a_learner_that_goes_back_passes_over_nothing_of_what_comes_meanwhile() -> None:
    """What was read before and waits does not follow on where the successor stands."""

    async def run(brain: Brain) -> list[int]:
        learner, names, ledger, again = learner_of(brain), Names(), Ledger(), list[bool]()

        async def learn(come: list[Chunk]) -> list[int]:
            current = [chunk for chunk in come if ledger.is_current(chunk)]
            gathered = lessons(current, names, learner.progress, learner.reading)
            found = [(lesson.start, await learner.learn(lesson)) for lesson in gathered]
            again.extend(learnt.again for _, learnt in found if learnt)
            return [start for start, learnt in found if learnt]

        await learn([ledger.take(EXAMPLES, records(0, 40))])
        successor = await learner.keep()
        successor.snapshot.names[:] = [f"item-{key}" for key in successor.snapshot.rows.key.tolist()]
        await learn([ledger.take(EXAMPLES, records(40, 60))])
        waiting = ledger.take(EXAMPLES, records(60, 70))
        await learner.replace(successor, decided)

        consumer = Consumer(again=lambda: ledger.start(EXAMPLES, learner.progress.position))
        bringing = returning(learner, consumer)
        bringing.look()
        assert await learn([waiting]) == []
        consumer.lease.is_held.set()
        await settle()
        assert await learn([waiting]) == []
        # What was tested before it went back, and what is new, in lessons of their own.
        assert await learn([ledger.take(EXAMPLES, records(40, 70))]) == [40, 60]
        assert again == [False, False, True, False]
        return [learner.progress.position, learner.progress.taught]

    with closing(Brain(Settings(device="cpu"))) as brain:
        position, taught = asyncio.run(run(brain))
    assert position == 70
    assert taught == sum(int(examples(8, offset, CPU).teaches.sum()) for offset in range(70))
