"""A worker whose part as the learner another has taken, though the group never gave it to that one."""

import asyncio
from pathlib import Path

import pytest
from answers import publish
from faust.types import TP
from kept import traffic
from lessons import examples
from shop import Shop
from torch import device
from worker_process import WorkerProcess

from models.names import Names
from stream.brain import Brain
from stream.chunks import Chunk
from stream.lessons import Lesson
from stream.school import School
from stream.settings import Settings

_SETTINGS = {"batch": 32, "top_k": 3, "partitions": 1}


async def published_as_another(settings: Settings) -> bool:
    """Take over, and publish that a chunk taught nothing; return whether the worker was not quicker."""
    brain, names = Brain(settings), Names()
    replica, learner = School.of(brain, names, settings, lambda _: None)
    await replica.start(pytest.fail)
    await learner.begin()
    position = learner.progress.position
    passed = Chunk(TP(settings.topic_prefix + "examples", 0), [], 1)
    await learner.learn(Lesson(examples(0, 0, device("cpu")), 0, position, position, {}, [(passed, {})], 0))
    await learner.end()
    await replica.stop()
    brain.close()
    return not learner.has_stepped_back


def test_it_learns_again_from_where_that_one_left_off(broker: str, tmp_path: Path) -> None:
    shop = Shop.new(broker)
    with WorkerProcess(shop, tmp_path / "a", **_SETTINGS) as worker:
        publish(shop, traffic(range(300)))
        worker.ready().reaches(learnt=300)
        settings = Settings.of(shop.environment(data_dir=tmp_path / "b", **_SETTINGS))
        while not asyncio.run(published_as_another(settings)):
            pass
        publish(shop, traffic(range(300, 600)))
        worker.until(lambda: "another worker learns now" in worker.log, "it has noticed")
        publish(shop, traffic(range(600, 900)))
        worker.ready().reaches(learnt=900)
