"""Laws of refilling from the examples topic: who takes over draws negatives as the one before did."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from faust.types import TP
from lessons import USERS, examples
from shop import Shop

from models.names import Names
from models.negatives import Negatives
from models.packing import pack
from stream.brain import Brain
from stream.chaos.records import read_topic
from stream.chunks import Chunk
from stream.erasure_records import erasure_record
from stream.lessons import lessons
from stream.log_reader import LogReader
from stream.origins import HEADER, Origins
from stream.outbox import OutboxRecord
from stream.progress import Progress
from stream.refilling import refill
from stream.settings import Settings
from stream.topic_setup import create_missing
from stream.topics import Topics

CPU = torch.device("cpu")
RUNS, SIZE = 60, 10  # records of examples, and examples of each
WINDOW = 100  # of some 480 that teach


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stream.progress._MARK_EVERY", 40)
    monkeypatch.setattr("stream.lessons._STEP", 30)


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
    made.recommender.embedding.negatives = Negatives(WINDOW, CPU)
    return made


async def learnt(brain: Brain, shop: Shop, stop: int) -> Progress:
    """Learn all lessons below an offset; return how far that is."""
    progress, tp = Progress(WINDOW, {}), TP(shop.topic("examples"), 0)
    records: list[Any] = [record for record in read_topic(shop.broker, tp.topic) if record.offset < stop]
    chunks = [Chunk(tp, records[place : place + 7], 1) for place in range(0, len(records), 7)]
    for lesson in lessons(chunks, Names(), progress):
        if len(lesson.examples.item):
            await brain.test_and_learn(lesson.examples)
        progress.learnt(lesson)
    return progress


async def refilled(brain: Brain, shop: Shop, progress: Progress) -> None:
    tp = TP(shop.topic("examples"), 0)
    await refill(brain, LogReader({"bootstrap_servers": shop.broker}, [tp]), tp, progress)


@pytest.fixture
def pair(shop: Shop, tmp_path: Path) -> Iterator[tuple[Brain, Brain]]:
    """One that learns, and one that takes over."""
    both = brain(shop, tmp_path), brain(shop, tmp_path)
    yield both
    for one in both:
        one.close()


@pytest.mark.parametrize("stop", [0, 1, 9, 40, 10**6])
def test_who_takes_over_draws_as_the_one_before_did(shop: Shop, pair: tuple[Brain, Brain], stop: int) -> None:
    async def take_over() -> int:
        first, second = pair
        progress = await learnt(first, shop, stop)
        await refilled(second, shop, Progress(WINDOW, progress.to_dict()))
        assert progress.taught == first.recommender.negatives.seen
        assert len(second.recommender.negatives) == min(progress.taught, WINDOW)
        return progress.marks[0].position

    start = asyncio.run(take_over())
    if len(pair[0].recommender.negatives):
        must, found = (one.recommender.negatives.draw(5_000, torch.Generator()) for one in pair)
        assert torch.equal(must, found)
    assert (start > 0) == (stop > 40)  # all of it is not read again


def test_where_the_topic_no_longer_holds_them_it_draws_from_what_is_left(
    shop: Shop, pair: tuple[Brain, Brain], caplog: pytest.LogCaptureFixture
) -> None:
    async def take_over() -> None:
        first, second = pair
        progress = await learnt(first, shop, 10**6)
        begun = progress.to_dict()
        begun["marks"][0] = [progress.position - 20, progress.marks[0].taught, progress.marks[0].learnt_to]
        await refilled(second, shop, Progress(WINDOW, begun))

    asyncio.run(take_over())
    must, found = (one.recommender.negatives for one in pair)
    assert 0 < len(found) < len(must) == WINDOW
    newest = must._items.roll(-must.seen)[-len(found) :]
    assert set(found.draw(5_000, torch.Generator()).tolist()) == set(newest.tolist())
    assert "items to draw negatives from" in caplog.text
