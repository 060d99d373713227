"""A learner that is told to end in the midst of a step: what the model has taken is on record."""

import asyncio
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from lessons import examples

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


async def end_within(settings: Settings, held: str) -> int:
    """Return the model's version after an end that came upon the call ``held`` of the second step."""
    brain, names = Brain(settings), Names()
    taught = examples(8, 1, torch.device("cpu"))
    names.learn(taught.item.tolist(), (f"item {key}" for key in taught.item.tolist()))
    lesson = Lesson(taught, 8, 1, {}, [], 0, [])
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
