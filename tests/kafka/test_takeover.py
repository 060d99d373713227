"""Profiles that move: a folder that is lost, workers that die, freeze and come back, topics that begin anew.

After each, what the changelog says of the users is what the pure fold of the sources says, each event once,
and each event has been answered.
"""

import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from answers import Answers, publish, read_sources
from kafka.admin import KafkaAdminClient
from kept import facts_of, kept_in, logged, traffic
from shop import DEADLINE, Log, Shop, until
from worker_process import WorkerProcess

# Small batches, so that there is a moment to stop a worker half-way.
_SETTINGS = {"batch": 32, "top_k": 3, "partitions": 4}


@pytest.fixture
def shop(broker: str) -> Shop:
    return Shop.new(broker)


@pytest.fixture
def worker(shop: Shop, tmp_path: Path) -> Callable[[str], WorkerProcess]:
    return lambda name: WorkerProcess(shop, tmp_path / name, **_SETTINGS)


def everything_is_answered(shop: Shop, *alive: WorkerProcess) -> None:
    """Wait until each event has its answer; see that the changelog says what the sources do."""
    sources, log = read_sources(shop), Log(shop, "recommendations")

    def complete() -> bool:
        assert all(one.process.poll() is None for one in alive)
        return len(log.read()) >= len(sources) and set(Answers.of(log.records).ids) >= sources.keys()

    try:
        until(complete, f"{len(sources)} answers")
    finally:
        log.close()
    for one in alive:
        one.stop()
    facts = facts_of(sources.values())
    assert logged(shop, facts) == facts


def _come_and_gone(shop: Shop, worker: WorkerProcess) -> None:
    """Have 600 events handled by a worker that is stopped then."""
    with worker:  # it makes the topics
        publish(shop, traffic(range(600)))
        worker.reaches(usable=600)
        worker.stop()


def test_a_worker_that_lost_its_folder_goes_on_from_the_changelog(
    shop: Shop, worker: Callable[[str], WorkerProcess], tmp_path: Path
) -> None:
    with worker("a") as first:
        publish(shop, traffic(range(3_000)))
        first.reaches(usable=1_000)
        first.kill()
    before = len(shop.read("recommendations"))
    shutil.rmtree(tmp_path / "a" / "state")
    with worker("a") as again:
        again.ready()
        publish(shop, traffic(range(3_000, 3_500)))
        everything_is_answered(shop, again)
    facts = facts_of(read_sources(shop).values())
    assert kept_in(tmp_path / "a" / "state" / "profiles", facts) == facts
    # The profiles were there: only what was under way when the worker died is answered a second time.
    assert before > 1_000
    assert len(shop.read("recommendations")) < 3_500 + 1_000


def test_what_one_worker_knew_another_knows_and_the_first_when_it_comes_back(
    shop: Shop, worker: Callable[[str], WorkerProcess]
) -> None:
    with worker("a") as first, worker("b") as second:
        first.ready()
        publish(shop, traffic(range(2_000)))
        first.reaches(usable=300)
        first.kill()
        publish(shop, traffic(range(2_000, 3_000)))
        second.ready().until(lambda: len(_partitions(second)) == 4, "all partitions are the other's")
        second.reaches(usable=500)
        first.start().ready()
        publish(shop, traffic(range(3_000, 4_000)))
        first.until(lambda: len(_partitions(first)) == len(_partitions(second)) == 2, "both have a half")
        publish(shop, traffic(range(4_000, 5_000)))
        everything_is_answered(shop, first, second)


def test_a_worker_that_was_frozen_does_not_speak_for_what_is_anothers(
    shop: Shop, worker: Callable[[str], WorkerProcess]
) -> None:
    with worker("a") as frozen, worker("b") as other:
        frozen.ready()
        other.ready()
        publish(shop, traffic(range(3_000)))
        frozen.reaches(usable=100)
        frozen.process.send_signal(signal.SIGSTOP)
        publish(shop, traffic(range(3_000, 4_000)))
        other.until(lambda: len(_partitions(other)) == 4, "all partitions are the other's")
        other.reaches(usable=2_000)
        frozen.process.send_signal(signal.SIGCONT)
        publish(shop, traffic(range(4_000, 5_000)))
        frozen.until(lambda: len(_partitions(other)) == 2, "it takes part again")
        everything_is_answered(shop, frozen, other)


def test_a_source_topic_that_was_recreated_is_read_from_its_start(
    shop: Shop, worker: Callable[[str], WorkerProcess]
) -> None:
    _come_and_gone(shop, worker("a"))
    before = read_sources(shop)
    _recreate(shop, "clicks")
    publish(shop, traffic(range(600, 1_400)))
    with worker("a") as again:
        again.reaches(usable=800)
        again.stop()
    assert "the topic was recreated" in again.log
    facts = facts_of([*before.values(), *read_sources(shop).values()])
    assert logged(shop, facts) == facts


def test_a_source_topic_that_was_recreated_while_it_was_read_ends_the_worker_or_is_read_from_its_start(
    shop: Shop, worker: Callable[[str], WorkerProcess]
) -> None:
    with worker("a") as one:
        publish(shop, traffic(range(600)))
        one.reaches(usable=600)
        one.until(lambda: one.figures()["lag"] == 0, "all is handled")
        before = read_sources(shop)
        _recreate(shop, "clicks")
        publish(shop, traffic(range(600, 1_400)))
        facts = facts_of([*before.values(), *read_sources(shop).values()])
        until(lambda: one.process.poll() is not None or logged(shop, facts) == facts, "it ends or goes on")
        if one.process.poll() is not None:
            assert "its log begins anew" in one.log
            one.start()
            until(lambda: logged(shop, facts) == facts, "each event is counted")
        assert "the topic was recreated" in one.log


def test_a_changelog_that_was_recreated_is_filled_from_the_sources(
    shop: Shop, worker: Callable[[str], WorkerProcess]
) -> None:
    _come_and_gone(shop, worker("a"))
    _recreate(shop, "profiles")
    with worker("a") as again:
        again.reaches(usable=600)
        everything_is_answered(shop, again)
    assert "the local copy is thrown away" in again.log


def test_offsets_in_the_changelog_never_go_back(shop: Shop, worker: Callable[[str], WorkerProcess]) -> None:
    with worker("a") as first:
        publish(shop, traffic(range(2_000)))
        first.reaches(usable=700)
        first.kill()
        first.start()
        everything_is_answered(shop, first)
    newest: dict[tuple[int, bytes], int] = {}
    for record in shop.read("profiles"):
        if record.key.startswith(b"n"):
            place = record.partition, record.key
            assert int(record.value) >= newest.get(place, 0)
            newest[place] = int(record.value)
    assert sum(newest.values()) == 2_000


def _partitions(worker: WorkerProcess) -> set[int]:
    """The partitions whose clicks a worker has; that of the purchases must be the same."""
    lag = worker.get("/metrics").body.decode().splitlines()
    found = [line for line in lag if line.startswith("headrace_consumer_lag{")]
    clicks, purchases = (
        {line.split('partition="')[1][0] for line in found if f'{topic}"' in line}
        for topic in ("clicks", "purchases")
    )
    assert clicks == purchases
    return {int(number) for number in clicks}


def _recreate(shop: Shop, topic: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=shop.broker)
    name = shop.topic(topic)
    try:
        admin.delete_topics([name])
        until(lambda: name not in admin.list_topics(), f"{name} is gone", DEADLINE)
        config = {"cleanup.policy": "compact"} if topic == "profiles" else {}
        admin.create_topics({name: {"num_partitions": 4, "configs": config}}, wait_for_metadata=True)
    finally:
        admin.close()
