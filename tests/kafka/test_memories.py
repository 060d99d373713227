"""Laws of filling a memory from the examples topic: it is the one of who has learnt it all."""

import asyncio
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from faust.types import TP
from lessons import USERS, examples
from shop import DEADLINE, Shop
from states import same, state_of

from models.memory import Memory
from models.names import Names
from models.packing import pack
from stream.brain import Brain
from stream.chaos.records import read_topic
from stream.chunks import Chunk
from stream.erasure_records import erasure_record
from stream.lessons import lessons
from stream.log_reader import LogReader
from stream.memories import Memories
from stream.origins import HEADER, Origins
from stream.outbox import OutboxRecord
from stream.progress import Progress
from stream.settings import Settings
from stream.topic_setup import create_missing
from stream.topics import Topics

CPU = torch.device("cpu")
RUNS, SIZE = 60, 10  # records of examples, and examples of each
CAPACITY = 300  # lines that are remembered, of some 480


@pytest.fixture(autouse=True)
def small_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stream.progress._POINT_LINES", 40)
    monkeypatch.setattr("stream.lessons._STEP", 30)
    for module in ("models.memory", "stream.memories"):
        monkeypatch.setattr(f"{module}.NEWEST", 60)


@pytest.fixture
def shop(broker: str) -> Shop:
    """A shop whose examples were handed on twice here and there, with erasures and what cannot be read."""
    shop = Shop.new(broker)
    create_missing([broker], Topics(shop.prefix, 1).wanted(), {})
    topic = shop.topic("examples")
    records = list[OutboxRecord]()
    for number in range(RUNS):
        records.append(run(topic, number * SIZE, number))
        if number % 4 == 1:  # a restarted worker hands on again, in another batch
            records.append(run(topic, number * SIZE - SIZE // 2, number))
        if number % 5 == 2:
            records += [erasure_record(topic, number % USERS + 1), erasure_record(topic, 99)]
        if number % 9 == 3:
            unreadable = run(topic, (number + 1) * SIZE, number).value
            records += [
                OutboxRecord(topic, 0, None, b"\xc1"),
                OutboxRecord(topic, 0, None, unreadable, (("forget", b"me"),)),
            ]
    shop.post(records)
    return shop


def run(topic: str, offset: int, seed: int) -> OutboxRecord:
    part = examples(SIZE, seed, CPU)
    origins = Origins(3, ["clicks"], np.zeros(SIZE, np.uint8), np.arange(offset, offset + SIZE))
    value = pack(part, [str(key) for key in part.item.tolist()])
    return OutboxRecord(topic, 0, None, value, ((HEADER, origins.to_bytes()),))


def brain(shop: Shop, folder: Path) -> Brain:
    said = {"BROKER": f"kafka://{shop.broker}", "DATA_DIR": str(folder), "DEVICE": "cpu"}
    made = Brain(Settings.of({f"HEADRACE_{name}": value for name, value in said.items()}))
    made.recommender._embedding.memory = Memory(CAPACITY, 10, CPU)
    return made


async def learnt(brain: Brain, shop: Shop, stop: int) -> Progress:
    """Learn all lessons below an offset and forget whom they say; return how far that is."""
    progress, tp = Progress(CAPACITY, {}), TP(shop.topic("examples"), 0)
    records: list[Any] = [record for record in read_topic(shop.broker, tp.topic) if record.offset < stop]
    chunks = [Chunk(tp, records[place : place + 7], 1) for place in range(0, len(records), 7)]
    for lesson in lessons(chunks, Names(), progress):
        if len(lesson.examples.item):
            await brain.test_and_learn(lesson.examples)
        await brain.forget(lesson.erased_users)
        progress.learnt(lesson, brain.recommender.remembered)
    return progress


async def whole(memories: Memories) -> None:
    assert memories._reading is not None
    await asyncio.wait_for(memories._reading, DEADLINE)
    assert memories.are_whole


def memory(brain: Brain) -> Memory:
    return brain.recommender._embedding.memory


@pytest.fixture
def pair(shop: Shop, tmp_path: Path) -> Iterator[tuple[Brain, Brain]]:
    """One that learns, and one that takes over."""
    both = brain(shop, tmp_path), brain(shop, tmp_path)
    yield both
    for one in both:
        one.close()


def memories(brain: Brain, shop: Shop) -> Memories:
    client = {"bootstrap_servers": shop.broker}
    return Memories(brain, TP(shop.topic("examples"), 0), partial(LogReader, client))


@pytest.mark.parametrize("stop", [0, 1, 9, 40, 10**6])
def test_who_takes_over_remembers_what_the_one_before_did(
    shop: Shop, pair: tuple[Brain, Brain], stop: int
) -> None:
    async def take_over() -> None:
        first, second = pair
        progress = await learnt(first, shop, stop)
        filled = memories(second, shop)
        await filled.begin(progress)
        await whole(filled)
        assert same(state_of(memory(first)), state_of(memory(second)))
        await filled.end()

    asyncio.run(take_over())


def test_whom_it_forgets_meanwhile_does_not_come_back(shop: Shop, pair: tuple[Brain, Brain]) -> None:
    """Nor is what is learnt meanwhile another thing than with all lines there from the beginning."""

    async def take_over() -> None:
        first, second = pair
        progress = await learnt(first, shop, 10**6)
        filled = memories(second, shop)
        await filled.begin(progress)
        assert not filled.are_whole
        before = int(memory(first).draw(10_000, torch.Generator()).eq(0).all(dim=1).sum())
        for number, who in enumerate([3, 5]):
            lesson = examples(8, number, CPU)
            await first.forget([who])
            await filled.forget([who])
            for one in (first, second):
                await one.test_and_learn(lesson)
        await whole(filled)
        assert same(state_of(memory(first)), state_of(memory(second)))
        assert int(memory(second).draw(10_000, torch.Generator()).eq(0).all(dim=1).sum()) > before
        await filled.end()

    asyncio.run(take_over())


def test_the_newest_lines_are_there_at_once(shop: Shop, pair: tuple[Brain, Brain]) -> None:
    async def take_over() -> None:
        first, second = pair
        progress = await learnt(first, shop, 10**6)
        filled = memories(second, shop)
        await filled.begin(progress)
        draws = [memory(one).draw(500, torch.Generator(), 1.0) for one in pair]
        assert torch.equal(*draws)
        assert draws[0].any()
        await filled.end()
        assert not filled.are_whole
        assert not len(memory(second))

    asyncio.run(take_over())
