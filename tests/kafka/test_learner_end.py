"""A learner that is told to end in the midst of a step, or meets another: all it takes is on record, once."""

import asyncio
import threading
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Any, Self

import pytest
import torch
from aiokafka.errors import KafkaError
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient
from lessons import examples
from msgspec.structs import replace
from shop import until

from models.names import Names
from models.snapshot import Snapshot
from stream.brain import Brain
from stream.broker import Broker
from stream.chaos.learner import steps_of
from stream.chaos.records import Record, read_topic
from stream.lessons import Lesson
from stream.model_topic import Transactions
from stream.publication import LearnerBehind, ModelNotTaken
from stream.school import School
from stream.settings import Settings
from stream.topic_setup import create_missing
from stream.topics import Topics

_WAIT_SECONDS = 30.0
_RECORDS = 10


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
    fill([broker], f"{topic_prefix}examples")
    said = {"BROKER": f"kafka://{broker}", "TOPIC_PREFIX": topic_prefix, "DATA_DIR": str(tmp_path)}
    return Settings.of({f"HEADRACE_{name}": value for name, value in {**said, "DEVICE": "cpu"}.items()})


def fill(brokers: list[str], topic: str) -> None:
    """Have the topic of the examples as long as if the lessons of the tests stood in it."""
    producer = KafkaProducer(bootstrap_servers=brokers)
    for _ in range(_RECORDS):
        producer.send(topic, b"", partition=0)
    producer.close()


def journal(settings: Settings) -> list[Record]:
    return read_topic(settings.broker.removeprefix("kafka://"), f"{settings.topic_prefix}steps")


def publications(settings: Settings) -> int:
    return len(journal(settings))


def steps_on_record(settings: Settings) -> int:
    return len(steps_of(journal(settings)))


def lesson_of(names: Names, number: int) -> Lesson:
    """Return the lesson of the topic's record before offset ``number``."""
    taught = examples(8, number, torch.device("cpu"))
    names.learn(taught.item.tolist(), (f"item {key}" for key in taught.item.tolist()))
    return Lesson(taught, 8, number - 1, number, {}, [], 0)


async def end_within(settings: Settings) -> int:
    """Return the model's version after an end that came upon the second step."""
    brain, names = Brain(settings), Names()
    replica, learner = School.of(brain, names, settings, lambda _: None)
    await replica.start(pytest.fail)
    await learner.begin()
    await learner.learn(lesson_of(names, 1))
    gate, learn = Gate(), brain.recommender.learn_many
    brain.recommender.learn_many = lambda given: (gate.wait(), learn(given))[1]  # type: ignore[method-assign]
    stepping = asyncio.create_task(learner.learn(lesson_of(names, 2)))
    await gate.reached()
    stepping.cancel()
    ending = asyncio.create_task(learner.end())
    with suppress(asyncio.CancelledError):
        await stepping
    gate.open()
    await ending
    await replica.stop()
    brain.close()
    return brain.recommender.version


def test_a_step_that_an_end_comes_upon_is_on_record(settings: Settings) -> None:
    version = asyncio.run(end_within(settings))
    assert version == 2
    assert steps_on_record(settings) == 2


class Worker:
    """What follows and learns, as two of the same topics; a context manager that begins and ends it."""

    def __init__(self, settings: Settings, name: str) -> None:
        settings = replace(settings, data_dir=settings.data_dir / name)
        self.brain, self.names = Brain(settings), Names()
        self.replica, self.learner = School.of(self.brain, self.names, settings, lambda _: None)

    async def __aenter__(self) -> Self:
        await self.replica.start(pytest.fail)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.learner.end()
        await self.replica.stop()
        self.brain.close()


def test_one_who_was_away_before_it_had_published_does_not_learn_it_all_again(settings: Settings) -> None:
    async def meet() -> bool:
        async with Worker(settings, "a") as away, Worker(settings, "b") as other:
            await away.learner.begin()
            await other.learner.begin()
            assert away.learner.progress.epoch == other.learner.progress.epoch
            await other.learner.learn(lesson_of(other.names, 1))
            await other.learner.end()
            await away.learner.learn(lesson_of(away.names, 1))
            await away.learner.end()
            return away.learner.is_learning

    assert not asyncio.run(meet())
    assert publications(settings) == 1


def test_one_whose_predecessor_has_published_once_more_does_not_publish_over_it(settings: Settings) -> None:
    async def meet() -> None:
        async with Worker(settings, "a") as first, Worker(settings, "b") as second:
            await first.learner.begin()
            await first.learner.learn(lesson_of(first.names, 1))
            await first.learner.begin()  # which waits for what is being published
            await second.learner.begin()
            await first.learner.learn(lesson_of(first.names, 2))
            await first.learner.end()
            await second.learner.learn(lesson_of(second.names, 2))
            await second.learner.end()
            assert second.learner.has_stepped_back
            await second.learner.begin()
            assert not second.learner.has_stepped_back
            await second.learner.learn(lesson_of(second.names, 3))

    asyncio.run(meet())
    assert publications(settings) == 3


def test_a_lesson_that_comes_again_or_too_early_is_not_learnt(settings: Settings) -> None:
    async def learn(*numbers: int) -> int:
        async with Worker(settings, "a") as one:
            await one.learner.begin()
            for number in numbers:
                await one.learner.learn(lesson_of(one.names, number))
            return one.brain.recommender.version

    assert asyncio.run(learn(1, 2, 1, 2, 5, 3)) == 3
    assert steps_on_record(settings) == 3


def test_one_that_gets_the_part_again_after_another_had_it_goes_on_from_there(settings: Settings) -> None:
    async def meet() -> tuple[int, int]:
        async with Worker(settings, "a") as away, Worker(settings, "b") as other:
            await away.learner.begin()
            await other.learner.begin()
            await other.learner.learn(lesson_of(other.names, 1))
            await other.learner.learn(lesson_of(other.names, 2))
            await other.learner.end()
            await away.learner.begin()
            assert away.learner.is_learning
            return away.learner.progress.position, away.brain.recommender.version

    assert asyncio.run(meet()) == (2, 2)


def test_one_that_goes_on_learning_keeps_what_it_has_not_published(settings: Settings) -> None:
    async def meet() -> tuple[int, int]:
        async with Worker(settings, "a") as one:
            for number in (1, 2, 3):
                await one.learner.begin()
                await one.learner.learn(lesson_of(one.names, number))
            return one.learner.progress.position, one.brain.recommender.version

    assert asyncio.run(meet()) == (3, 3)
    assert steps_on_record(settings) == 3


def test_of_an_examples_topic_recreated_the_first_record_is_learnt(settings: Settings) -> None:
    async def learn_all(name: str, numbers: range) -> int:
        async with Worker(settings, name) as one:
            await one.learner.begin()
            start = one.learner.progress.position
            for number in numbers:
                await one.learner.learn(lesson_of(one.names, number))
            return start

    assert [asyncio.run(learn_all("a", range(1, 4))), asyncio.run(learn_all("a", range(4, 5)))] == [0, 3]
    recreate(settings, "examples")
    assert [asyncio.run(learn_all("a", range(1, 3))), asyncio.run(learn_all("b", range(3, 4)))] == [0, 2]


def recreate(settings: Settings, topic: str) -> None:
    topics, brokers = Topics(settings.topic_prefix, 1), [settings.broker.removeprefix("kafka://")]
    admin = KafkaAdminClient(bootstrap_servers=brokers)
    admin.delete_topics([topics.name(topic)])
    until(lambda: topics.name(topic) not in admin.list_topics(), "a deleted topic is gone")
    admin.close()
    create_missing(brokers, topics.wanted(), {})
    fill(brokers, topics.name(topic))


def test_what_a_replica_has_read_is_not_lost_where_it_pauses(settings: Settings) -> None:
    async def meet() -> tuple[int, int]:
        async with Worker(settings, "a") as teacher:
            for number in (1, 2, 3):
                await teacher.learner.begin()
                await teacher.learner.learn(lesson_of(teacher.names, number))
                await teacher.learner.end()
        pupil = Worker(settings, "b")
        take, reached, opened = pupil.brain.follow, asyncio.Event(), asyncio.Event()

        async def held(part: Snapshot) -> None:
            reached.set()
            await opened.wait()
            await take(part)

        pupil.brain.follow = held  # type: ignore[method-assign]
        async with pupil:
            await asyncio.wait_for(reached.wait(), _WAIT_SECONDS)
            pausing = asyncio.create_task(pupil.replica.pause())
            await asyncio.sleep(0)  # it has begun to wait
            opened.set()
            await pausing
            await pupil.replica.catch_up()
            return pupil.replica.newest.progress["position"], pupil.brain.recommender.version

    assert asyncio.run(meet()) == (3, 3)


def test_an_end_does_not_wait_for_a_broker_that_is_away(topic_prefix: str, tmp_path: Path) -> None:
    async def end(broker: Broker, settings: Settings) -> float:
        brain, names = Brain(settings), Names()
        replica, learner = School.of(brain, names, settings, lambda _: None)
        await replica.start(lambda _: None)
        await learner.begin()
        broker.kill()
        await learner.learn(lesson_of(names, 1))
        started = monotonic()
        with pytest.raises(LearnerBehind):
            await learner.end()
        took = monotonic() - started
        await replica.stop()
        brain.close()
        return took

    with Broker(tmp_path / "kafka") as broker:
        create_missing([broker.address], Topics(topic_prefix, 1).wanted(), {})
        said = {"BROKER": f"kafka://{broker.address}", "TOPIC_PREFIX": topic_prefix, "DEVICE": "cpu"}
        said |= {"DATA_DIR": str(tmp_path / "a")}
        settings = Settings.of({f"HEADRACE_{name}": value for name, value in said.items()})
        assert asyncio.run(end(broker, settings)) < 6.0  # 3 s, and up to 2 to disconnect


async def decided(*_: object) -> None:
    """Decide nothing."""


@pytest.mark.parametrize(("is_taken", "row_ms"), [(False, 1), (True, 1), (False, 1_000)])
def test_a_learner_loses_nothing_if_a_publication_fails_after_a_promotion(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, *, is_taken: bool, row_ms: int
) -> None:
    """Whether Kafka has it and could not say so or not: what is there of this learner it does not take in.

    Also where the promotion is so large that it has a connection of its own.
    """
    monkeypatch.setattr("stream.publication._ROW_MS", row_ms)

    async def teach(worker: Worker, *numbers: int) -> None:
        for number in numbers:
            await worker.learner.learn(lesson_of(worker.names, number))

    async def run() -> tuple[int, int, int]:
        async with Worker(settings, "a") as one:
            await one.learner.begin()
            await teach(one, 1, 2)
            async with one.learner._turn:
                successor = await one.learner.keep()
            await teach(one, 3)
            await one.learner.replace(successor, decided)
            one.learner.reading = 0  # as once the examples are read again
            await teach(one, 3, 4, 5)
            recommender, before = one.brain.recommender, one.brain.recommender.version
            write, failed = Transactions.write, list[bool]()

            async def fail_once(transactions: Transactions, runs: Any) -> int:
                if failed:
                    return await write(transactions, runs)
                failed.append(True)
                if is_taken:
                    await write(transactions, runs)
                raise KafkaError

            monkeypatch.setattr(Transactions, "write", fail_once)
            await teach(one, 6)
            await one.learner.end()
            assert failed
            assert one.brain.recommender is recommender
            negatives = len(recommender.negatives.items)
            return before, recommender.version, negatives

    before, after, negatives = asyncio.run(run())
    assert after == before + 1
    assert negatives == sum(int(lesson_of(Names(), number).examples.teaches.sum()) for number in range(1, 7))
    # The promotion, and each lesson once but the third: it taught the champion and then the successor.
    assert len(steps_of(journal(settings))) == 7


@pytest.mark.parametrize("opens", [True, False])
def test_a_promotion_that_kafka_does_not_take_is_given_up(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, *, opens: bool
) -> None:
    """Or for which it opens no transaction: one of eleven days is longer than a broker lets them be."""

    async def refuse(*_: object) -> int:
        raise KafkaError

    async def run() -> tuple[int, int]:
        async with Worker(settings, "a") as one:
            await one.learner.begin()
            await one.learner.learn(lesson_of(one.names, 1))
            async with one.learner._turn:
                successor = await one.learner.keep()
            await one.learner.learn(lesson_of(one.names, 2))
            oversight = one.learner._oversight

            async def decide(*_: object) -> None:
                if opens:
                    monkeypatch.setattr(Transactions, "write", refuse)
                else:
                    for name, value in (("ROW_MS", 10**9), ("LONGEST_MS", 10**9), ("OPEN_SECONDS", 2.0)):
                        monkeypatch.setattr(f"stream.publication._{name}", value)

            with pytest.raises(ModelNotTaken):
                await one.learner.replace(successor, decide)
            assert one.learner.has_stepped_back
            assert not one.learner.is_learning
            assert "ModelNotTaken" in oversight._failed[1]
            monkeypatch.undo()
            await one.learner.begin()
            return one.learner.progress.position, one.brain.recommender.version

    assert asyncio.run(run()) == (2, 2)
