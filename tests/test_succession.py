"""Laws of a succession: who takes the champion's place is news to all who follow, whole and at once."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import msgpack
import pytest
import torch
from lessons import examples
from test_following import go_on, recommender, same, whole

from models.guardrails import Unfit
from models.names import Names
from models.recommender import Recommender
from models.record_block import records_of
from models.row_forms import RowForm
from models.row_records import row_records
from models.snapshot import Snapshot
from stream.brain import Brain
from stream.challenge.kept import KeptModel, NotKept
from stream.model_topic import ANEW, DENSE, Dense
from stream.progress import Mark
from stream.replica import Replica
from stream.settings import Settings

CPU = torch.device("cpu")
PLACE = Mark(17, 900, {"clicks-0": 3})


def champion_and_successor() -> tuple[Recommender, Recommender]:
    """Return a model that knows much, and one that knows less of it, and has taken fewer steps."""
    models = recommender(), recommender()
    for model, steps in zip(models, (12, 7), strict=True):
        go_on(model, 20, steps)
        scored = examples(steps, 1, CPU)
        model.test_many(scored._replace(rank=torch.ones_like(scored.rank)))
    return models


def test_a_successor_is_newer_than_all_and_removes_what_it_does_not_know() -> None:
    champion, successor = champion_and_successor()
    known, left = (set(whole(model)) for model in (champion, successor))
    quality, alarms = champion.quality, champion.monitor.state
    successor.succeed(champion)
    part = successor.take_changes()
    assert successor.version == champion.version + 1
    assert set(part.rows.columns["version"].tolist()) == {successor.version}
    assert set(part.rows.key.tolist()) == left
    assert set(part.removed.tolist()) == known - left
    assert (successor.quality, successor.monitor.state) == (quality, alarms)


def test_who_followed_the_champion_then_knows_what_the_successor_knows() -> None:
    champion, successor = champion_and_successor()
    follower = recommender()
    follower.follow(champion.take_changes())
    successor.succeed(champion)
    follower.follow(successor.take_changes())
    follower.draw_from(successor.negatives.items.numpy())
    for model in (successor, follower):
        go_on(model, 40, 3)
    assert same(successor, follower)


def test_a_kept_model_goes_on_bit_for_bit(tmp_path: Path) -> None:
    model = recommender()
    go_on(model, 0, 8)
    KeptModel.of(model, PLACE, Names()).save(tmp_path / "kept")
    kept = KeptModel.load(tmp_path / "kept")
    assert kept.place == PLACE
    other = kept.build(recommender)
    for it in (model, other):
        go_on(it, 8, 3)
    assert same(model, other)


def test_one_that_knows_an_item_without_a_name_is_unfit() -> None:
    model, names = recommender(), Names()
    go_on(model, 0, 2)
    kept = KeptModel.of(model, PLACE, names)
    keys = kept.snapshot.rows.key.tolist()
    names.learn(keys[1:], map(str, keys[1:]))
    with pytest.raises(Unfit, match="1 of its items have no name"):
        kept.name(names)
    names.learn(keys[:1], ["the last"])
    kept.name(names)


def test_what_is_kept_takes_the_place_of_what_was_there(tmp_path: Path) -> None:
    for steps in (8, 2):
        model = recommender()
        go_on(model, 0, steps)
        KeptModel.of(model, PLACE, Names()).save(tmp_path / "kept")
    assert KeptModel.load(tmp_path / "kept").snapshot.version == 2


def test_nothing_kept_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(NotKept, match="no whole model"):
        KeptModel.load(tmp_path / "kept")


class Record(NamedTuple):
    key: bytes
    value: bytes | None
    offset: int = 7
    timestamp: int = 1


def published(part: Snapshot, *, is_anew: bool) -> list[Record]:
    """Return the records of a publication."""
    names = [f"item-{key}" for key in part.rows.key.tolist()]
    blocks = row_records(part.rows, names, part.removed, RowForm.EXACT)
    rows = [Record(key, value) for key, value in records_of(blocks).items()]
    begin = [Record(ANEW, msgpack.packb(part.version))] if is_anew else []
    return [*begin, *rows, Record(DENSE, Dense(part.version, part.dense, {}).to_bytes())]


class Followed(NamedTuple):
    brain: Brain
    replica: Replica


@pytest.fixture
def followed() -> Iterator[Followed]:
    with closing(Brain(Settings(device="cpu", seed=5))) as brain:
        checkpointer: Any = SimpleNamespace(save=lambda *_: None)
        yield Followed(brain, Replica(brain, Names(), lambda: None, checkpointer))  # type: ignore[arg-type, return-value]


def test_a_replica_serves_the_champion_until_it_has_all_of_the_successor(followed: Followed) -> None:
    brain, replica = followed
    champion, successor = champion_and_successor()
    first = published(champion.take_changes(), is_anew=False)
    successor.succeed(champion)
    *rows, dense = published(successor.take_changes(), is_anew=True)

    async def run() -> None:
        await replica._apply(first)
        served = whole(brain.recommender)
        for at in range(0, len(rows), 7):  # in as many polls as may be
            await replica._apply(rows[at : at + 7])
            assert whole(brain.recommender) == served
        await replica._apply([dense])

    asyncio.run(run())
    assert whole(brain.recommender) == whole(successor)
    assert brain.recommender.version == successor.version
    assert replica.newest.complete == successor.version


def test_what_a_compaction_has_left_of_before_does_not_count(followed: Followed) -> None:
    """Its dense part is gone, as there is a newer one; rows that nobody has written since are gone later."""
    brain, replica = followed
    champion, successor = champion_and_successor()
    *left, _ = published(champion.take_changes(), is_anew=False)
    successor.succeed(champion)
    *rows, dense = published(successor.take_changes(), is_anew=True)
    compacted = [record for record in rows if record.value is not None]  # the tombstones are gone before
    asyncio.run(replica._apply(left))
    asyncio.run(replica._apply([*compacted, dense]))
    assert whole(brain.recommender) == whole(successor)


def test_who_reads_it_all_at_once_comes_to_the_same(followed: Followed) -> None:
    brain, replica = followed
    champion, successor = champion_and_successor()
    records = published(champion.take_changes(), is_anew=False)
    successor.succeed(champion)
    records += published(successor.take_changes(), is_anew=True)
    lesson = examples(48, 99, CPU)
    successor.learn_many(lesson)
    records += published(successor.take_changes(), is_anew=False)
    asyncio.run(replica._apply(records))
    assert whole(brain.recommender) == whole(successor)
