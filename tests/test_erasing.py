"""Laws of batches and erasures of one partition: what one has read, the other does not erase meanwhile."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from arriving import NOW, chunk
from faust.types import TP

from models.answers import Ranked
from models.batch import Batch, Longs
from models.catalog import Catalog
from models.codec import encode
from models.context import Context
from models.events import Forget
from models.names import Names
from models.ranking import Ranking
from stream.agents import erase, observe
from stream.arrivals import Arrivals, Released
from stream.chunks import Chunk
from stream.commits import Commit
from stream.profiles import ProfileStore
from stream.replies import Stamp
from stream.settings import Settings
from stream.topics import Topics

CLICKS, FORGET = TP("clicks", 3), TP("forget", 3)


class SlowBrain:
    """Recommends nothing, and that only when it is let."""

    def __init__(self) -> None:
        self.asked, self.may_answer = asyncio.Event(), asyncio.Event()

    async def rank(self, context: Context, banned: Longs) -> Ranked:
        del banned
        self.asked.set()
        await self.may_answer.wait()
        items = torch.zeros(len(context.items), 20, dtype=torch.int64)
        return Ranked.of(Ranking(items, items.float(), items.to(torch.uint8)))


class Bench:
    """A worker of one partition, without Kafka; ``commits`` are those that were begun, in order."""

    def __init__(self, store: ProfileStore) -> None:
        self.brain, self.store = SlowBrain(), store
        self.catalog, self.settings, self.topics = Catalog(), Settings(), Topics("", 4)
        self.commits: list[Commit] = []
        self.seen: list[Released] = []
        self.erased: list[tuple[str, int, int]] = []
        self.acknowledged: list[Chunk] = []
        locks: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.relay = SimpleNamespace(turn=locks.__getitem__, begin=self._begin)
        self.meters = SimpleNamespace(count_erasures=lambda *counts: self.erased.append(counts))
        self.intake = SimpleNamespace(batches=lambda chunks: chunks)

    async def _begin(self, _: int, commit: Commit, done: Any) -> None:
        self.commits.append(commit)
        done()

    async def settle(self, arrived: Released, *rest: Any) -> None:
        self.seen.append(arrived)
        self.commits.append(rest[1])

    def is_current(self, _: Chunk) -> bool:
        return True

    def stamp(self, batch: Batch, _: Any) -> Stamp:
        names = Names()
        names.learn(batch.item.tolist(), ["hat"] * len(batch.item))
        return Stamp("recommendations", "examples", NOW, 0, names, {})

    def acknowledge(self, chunks: list[Chunk]) -> None:
        self.acknowledged += chunks


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ProfileStore]:
    store = ProfileStore(tmp_path / "profiles")
    yield store
    store.close()


async def each(*items: Any) -> AsyncIterator[Any]:
    for item in items:
        yield item


def batch(first: int, times: list[int]) -> Released:
    arrivals = Arrivals(100)
    arrivals.add(chunk(CLICKS, first, times), NOW)
    released = arrivals.release(3, ())
    assert released is not None
    return released


def requests(until: int) -> Chunk:
    value = encode(Forget(user_id="ann", ts=until))
    return Chunk(FORGET, [SimpleNamespace(offset=4, key=b"ann", value=value, timestamp=NOW, headers=())], 1)


def test_a_batch_that_was_under_way_does_not_write_back_who_is_erased(store: ProfileStore) -> None:
    async def law() -> Bench:
        bench: Any = Bench(store)
        observing = asyncio.create_task(observe(bench, each(batch(0, [10, 20]))))
        await bench.brain.asked.wait()
        erasing = asyncio.create_task(erase(bench, each(requests(15))))
        await asyncio.sleep(0.01)
        assert not bench.commits
        bench.brain.may_answer.set()
        await asyncio.gather(observing, erasing)
        return bench  # type: ignore[no-any-return]  # it stands for a worker

    bench = asyncio.run(law())
    observed, erased = bench.commits
    assert observed.tickets < erased.tickets
    assert observed.changes[b"pann"] is not None
    assert erased.changes[b"pann"] is None
    assert store.load(3, ["ann"]).events.tolist() == [0]
    assert store.offsets(3) == {"clicks": 2, "forget": 5}
    assert store.markers(3).of("ann").until == 20
    assert bench.erased == [("forget", 1, 0)]
    assert [one.tp for one in bench.acknowledged] == [FORGET]


def test_what_comes_after_an_erasure_is_forgotten_up_to_it_and_begins_a_new_profile_beyond(
    store: ProfileStore,
) -> None:
    async def law() -> Bench:
        bench: Any = Bench(store)
        bench.brain.may_answer.set()
        await erase(bench, each(requests(15)))
        await observe(bench, each(batch(0, [10, 15, 16]), batch(3, [12])))
        return bench  # type: ignore[no-any-return]  # it stands for a worker

    bench = asyncio.run(law())
    assert [len(arrived.erased) for arrived in bench.seen] == [2, 1]
    assert [event.ts for arrived in bench.seen for event in arrived.events] == [16]
    assert bench.commits[2].outbox == []
    assert store.load(3, ["ann"]).events.tolist() == [1]
    assert store.offsets(3) == {"clicks": 4, "forget": 5}
