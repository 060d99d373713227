"""A learner that is told to end in the midst of a step: what the model has taken is on record."""

import asyncio
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from lessons import examples
from msgspec.structs import replace

from models.names import Names
from stream.brain import Brain
from stream.chaos.learner import Steps
from stream.chaos.records import read_topic
from stream.lessons import Lesson
from stream.school import School
from stream.settings import Settings
from stream.topic_setup import create_missing
from stream.topics import Topics

_WAIT_SECONDS = 30.0


class Gate:
    """Holds a call where it is until it is opened."""

    def __init__(self) -> None:
        self._reached, self._open = threading.Event(), threading.Event()

    def wait(self, *_: Any) -> None:
        self._reached.set()
        assert self._open.wait(_WAIT_SECONDS)

    async def reached(self) -> None:
        assert await asyncio.to_thread(self._reached.wait, _WAIT_SECONDS)

    def open(self) -> None:
        self._open.set()


@pytest.fixture
def settings(broker: str, topic_prefix: str, tmp_path: Path) -> Settings:
    create_missing([broker], Topics(topic_prefix, 1).wanted(), {})
    said = {"BROKER": f"kafka://{broker}", "TOPIC_PREFIX": topic_prefix, "DATA_DIR": str(tmp_path)}
    return Settings.of({f"HEADRACE_{name}": value for name, value in {**said, "DEVICE": "cpu"}.items()})


def steps_on_record(settings: Settings) -> int:
    address = settings.broker.removeprefix("kafka://")
    told = Steps.of(read_topic(address, f"{settings.topic_prefix}steps"))
    return sum(count > 0 for count in told.counts) + sum(told.rehearsals)


def lesson_of(names: Names) -> Lesson:
    taught = examples(8, 1, torch.device("cpu"))
    names.learn(taught.item.tolist(), (f"item {key}" for key in taught.item.tolist()))
    return Lesson(taught, 8, 1, {}, [], 0, [])


async def end_within(settings: Settings, held: str) -> int:
    """Return the model's version after an end that came upon the call ``held`` of the second step."""
    brain, names = Brain(settings), Names()
    lesson = lesson_of(names)
    follower, learner = School.of(brain, names, settings, lambda _: None)
    await follower.start(pytest.fail)
    await learner.begin()
    await learner.learn(lesson)
    gate, call = Gate(), getattr(brain.recommender, held)
    setattr(brain.recommender, held, lambda *given: (gate.wait(), call(*given))[1])
    second = learner.learn(lesson) if held == "learn_many" else learner.rehearse_or_publish(may_rehearse=True)
    stepping = asyncio.create_task(second)
    await gate.reached()
    stepping.cancel()
    ending = asyncio.create_task(learner.end())
    with suppress(asyncio.CancelledError):
        await stepping
    gate.open()
    await ending
    await follower.stop()
    brain.close()
    return brain.recommender.version


@pytest.mark.parametrize("held", ["learn_many", "replay"])
def test_a_step_that_an_end_comes_upon_is_on_record(settings: Settings, held: str) -> None:
    version = asyncio.run(end_within(settings, held))
    assert version == 2
    assert steps_on_record(settings) == 2


async def away_while_another_learns(settings: Settings) -> bool:
    """Return whether one still learns that had published nothing when another took over and published."""
    brains, names = [Brain(settings), Brain(settings)], [Names(), Names()]
    own = [replace(settings, data_dir=settings.data_dir / name) for name in "ab"]
    schools = [School.of(*it, lambda _: None) for it in zip(brains, names, own, strict=True)]
    followers, learners = zip(*schools, strict=True)
    for follower, learner in zip(followers, learners, strict=True):
        await follower.start(pytest.fail)
        await learner.begin()
    assert learners[0].progress.epoch == learners[1].progress.epoch
    await learners[1].learn(lesson_of(names[1]))
    await learners[1].end()
    await learners[0].learn(lesson_of(names[0]))
    await learners[0].end()
    for follower, brain in zip(followers, brains, strict=True):
        await follower.stop()
        brain.close()
    return bool(learners[0].is_learning)


def test_one_who_was_away_before_it_had_published_does_not_learn_it_all_again(settings: Settings) -> None:
    assert not asyncio.run(away_while_another_learns(settings))
    assert steps_on_record(settings) == 1
    address = settings.broker.removeprefix("kafka://")
    journal = read_topic(address, f"{settings.topic_prefix}steps")
    assert len(journal) == 1
