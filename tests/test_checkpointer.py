"""Laws of the worker's own copy of the model: what it holds is what was published below its offset."""

import asyncio
from pathlib import Path

import pytest
from snapshots import PlainModel, Step

from models.snapshot import Snapshot
from stream.checkpointer import Checkpointer, SavedModel
from stream.clock import now_ms

LOG, END = "cluster/model", 1_000


def step(*touched: int) -> Step:
    return frozenset(touched), frozenset()


async def saved(folder: Path, parts: list[tuple[Snapshot, int]]) -> SavedModel:
    """Have parts saved, each as of an offset; return what the next start finds."""
    checkpointer = Checkpointer(folder, seconds=1.0)
    await checkpointer.load(LOG, END)
    for part, offset in parts:
        checkpointer.save(part, offset, {"position": offset})
        await checkpointer.close()
    found = await Checkpointer(folder, seconds=1.0).load(LOG, END)
    assert found is not None
    return found


def test_rows_that_had_waited_are_saved_with_the_next_version(tmp_path: Path) -> None:
    model = PlainModel()
    first, waited, last = (model.step(step(*keys)) for keys in ((1, 2), (3,), (4,)))
    late = waited._replace(version=first.version)  # a publication without a step
    half = asyncio.run(saved(tmp_path / "half", [(first, 10), (late, 20)]))
    # What is missing stands beyond the offset, and is read again.
    assert (half.offset, half.snapshot.rows.key.tolist()) == (10, [1, 2])
    whole = asyncio.run(saved(tmp_path / "whole", [(first, 10), (late, 20), (last, 30)]))
    assert (whole.offset, whole.snapshot.rows.key.tolist()) == (30, [1, 2, 3, 4])
    assert whole.progress == {"position": 30}


def test_a_copy_of_another_form_is_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asyncio.run(saved(tmp_path, [(PlainModel().step(step(1)), 10)]))
    monkeypatch.setattr("stream.checkpointer.FORM", 0)
    assert asyncio.run(Checkpointer(tmp_path, seconds=1.0).load(LOG, END)) is None


def test_an_end_does_not_wait_for_the_next_checkpoint_to_be_due(tmp_path: Path) -> None:
    async def save() -> None:
        model, checkpointer = PlainModel(), Checkpointer(tmp_path, seconds=3_600.0)
        await checkpointer.load(LOG, END)
        for number, offset in ((1, 10), (2, 20)):
            checkpointer.save(model.step(step(number)), offset, {})
            await asyncio.sleep(0)
        await checkpointer.close()

    asyncio.run(asyncio.wait_for(save(), 60))
    found = asyncio.run(Checkpointer(tmp_path, 1.0).load(LOG, END))
    assert found is not None
    assert (found.offset, found.snapshot.rows.key.tolist()) == (20, [1, 2])


def test_what_is_read_again_is_not_saved_again(tmp_path: Path) -> None:
    async def save() -> None:
        model, checkpointer = PlainModel(), Checkpointer(tmp_path, seconds=3_600.0)
        await checkpointer.load(LOG, END)
        parts = [(model.step(step(1)), 10), (model.step(step(1, 2)), 20)]
        for part, offset in [*parts, *parts]:
            checkpointer.save(part, offset, {})
        assert [part.version for part in checkpointer._parts] == [1, 2]
        await checkpointer.close()

    asyncio.run(save())
    found = asyncio.run(Checkpointer(tmp_path, 1.0).load(LOG, END))
    assert found is not None
    assert (found.offset, found.snapshot.version) == (20, 2)


def test_without_seconds_nothing_is_saved_and_what_there_is_is_found(tmp_path: Path) -> None:
    async def save(seconds: float, part: Snapshot, offset: int) -> None:
        checkpointer = Checkpointer(tmp_path, seconds)
        await checkpointer.load(LOG, END)
        checkpointer.save(part, offset, {})
        await checkpointer.close()

    model = PlainModel()
    asyncio.run(save(1.0, model.step(step(1)), 10))
    asyncio.run(save(0.0, model.step(step(2)), 20))
    found = asyncio.run(Checkpointer(tmp_path, 0.0).load(LOG, END))
    assert found is not None
    assert (found.offset, found.snapshot.rows.key.tolist()) == (10, [1])


def test_what_was_saved_of_another_model_topic_is_dropped(tmp_path: Path) -> None:
    model = PlainModel()
    asyncio.run(saved(tmp_path, [(model.step(step(1)), 10)]))
    assert asyncio.run(Checkpointer(tmp_path, 1.0).load("cluster/recreated", END)) is None
    assert not tmp_path.exists()


def test_what_is_ahead_of_the_model_topic_is_dropped(tmp_path: Path) -> None:
    model = PlainModel()
    asyncio.run(saved(tmp_path, [(model.step(step(1)), 10)]))
    assert asyncio.run(Checkpointer(tmp_path, 1.0).load(LOG, 9)) is None


def test_what_is_so_old_that_kafka_may_have_forgotten_removals_is_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, then = PlainModel(), now_ms()
    asyncio.run(saved(tmp_path, [(model.step(step(1)), 10)]))
    monkeypatch.setattr("stream.checkpointer.now_ms", lambda: then + 11 * 3_600_000)
    assert asyncio.run(Checkpointer(tmp_path, 1.0).load(LOG, END)) is not None
    monkeypatch.setattr("stream.checkpointer.now_ms", lambda: then + 13 * 3_600_000)
    assert asyncio.run(Checkpointer(tmp_path, 1.0).load(LOG, END)) is None
