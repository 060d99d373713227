"""The replay on a real Kafka: every event arrives once, in the order of its user, or is reported."""

import asyncio
import json
import multiprocessing
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from models.codec import EVENTS, ITEMS
from models.events import Action, Event, Item
from producers.delivery import Delivery
from producers.errors import ShareLost
from producers.logs import open_log, read_log
from producers.plan import ReplayPlan
from producers.reading import Reading
from producers.replayer import Replay
from producers.topics import Topics, create_missing_topics
from stream.broker import Broker

_SECONDS = 60.0
_ACTIONS = ["view", "cart", "buy", "view", "refund", "view", "view"]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """3,000 events of 40 users on 60 items, with the items' brands and one bad row."""
    rows = [f"{1569888000 + n},u{n * n % 40},i{n % 60},{_ACTIONS[n % 7]},b{n % 60}" for n in range(3000)]
    rows.insert(1500, "soon,u,i,view,b")
    path = tmp_path / "shop.csv"
    path.write_text("\n".join(["ts,user,item,event,brand", *rows, ""]))
    return path


def _expected(path: Path) -> list[Event]:
    return [record for record in read_log(open_log(path), Reading()) if isinstance(record, Event)]


def _read(broker: str, topic: str) -> list[Any]:
    """Return all records of the topic, in the order of each partition."""
    consumer = KafkaConsumer(
        bootstrap_servers=broker, auto_offset_reset="earliest", consumer_timeout_ms=_SECONDS * 1000
    )
    try:
        places = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
        left = sum(consumer.end_offsets(places).values())
        consumer.assign(places)
        return [next(consumer) for _ in range(left)]
    finally:
        consumer.close()


def _events(broker: str, topic: str) -> list[Event]:
    return [EVENTS.decode(record.value, record.key, now=record.timestamp) for record in _read(broker, topic)]


def _by_user(events: list[Event]) -> dict[str, list[Event]]:
    users: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        users[event.user_id].append(event)
    return users


def _check_arrived(broker: str, prefix: str, expected: list[Event]) -> None:
    topics = Topics.named(prefix)
    orders = (Action.PURCHASE, Action.REFUND)
    assert _by_user(_events(broker, topics.purchases)) == _by_user([e for e in expected if e.event in orders])
    assert _by_user(_events(broker, topics.clicks)) == _by_user(
        [e for e in expected if e.event not in orders]
    )


def test_every_event_arrives_once_in_the_order_of_its_user(broker: str, topic_prefix: str, log: Path) -> None:
    report = Replay(ReplayPlan(log=open_log(log), broker=broker, prefix=topic_prefix)).run()
    assert (report.events, report.items, report.unconfirmed, report.bad_rows) == (3000, 60, 0, 1)
    assert report.first_bad_rows[0].line == 1502
    _check_arrived(broker, topic_prefix, _expected(log))
    catalog = _read(broker, f"{topic_prefix}catalog")
    items = {item.item_id: item for item in (ITEMS.decode(r.value, r.key, now=r.timestamp) for r in catalog)}
    assert len(catalog) == 60
    assert items["i7"] == Item(item_id="i7", ts=1569888007000, brand="b7")


def test_processes_share_a_log_and_keep_the_order_of_users(broker: str, topic_prefix: str, log: Path) -> None:
    plan = ReplayPlan(log=open_log(log), broker=broker, prefix=topic_prefix, processes=2, limit=2500)
    report = Replay(plan).run()
    assert (report.events, report.items, report.unconfirmed, report.bad_rows) == (2500, 60, 0, 1)
    _check_arrived(broker, topic_prefix, _expected(log)[:2500])


def test_a_second_run_repeats_the_first_byte_for_byte(broker: str, topic_prefix: str, log: Path) -> None:
    plan = ReplayPlan(log=open_log(log), broker=broker, prefix=topic_prefix, limit=100)
    assert [Replay(plan).run().events for _ in range(2)] == [100, 100]
    values = [record.value for record in _read(broker, plan.topics.clicks)]
    assert len(values) == 2 * len(set(values)) > 0


def test_topics_are_made_where_they_are_missing(broker: str, topic_prefix: str, log: Path) -> None:
    plan = ReplayPlan(log=open_log(log), broker=broker, prefix=topic_prefix, partitions=3, limit=1)
    Replay(plan).run()
    admin = KafkaAdminClient(bootstrap_servers=broker)
    try:
        made = admin.describe_topics(list(plan.topics))
        resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in plan.topics]
        settings = admin.describe_configs(resources)["topic"]
    finally:
        admin.close()
    assert {len(topic["partitions"]) for topic in made} == {3}
    policies = {name: found.get("cleanup.policy", {}).get("value") for name, found in settings.items()}
    assert policies == {plan.topics.clicks: None, plan.topics.purchases: None, plan.topics.catalog: "compact"}


def test_a_slow_topic_is_not_left_behind_a_busy_one(broker: str, topic_prefix: str) -> None:
    topics = Topics.named(topic_prefix)
    create_missing_topics(broker, topics, 1)

    async def confirmed_while_busy() -> None:
        async with asyncio.timeout(_SECONDS), Delivery(broker, _SECONDS) as delivery:
            await delivery.put(topics.purchases, b"u", b"one")
            while not delivery.confirmed[topics.purchases]:
                await delivery.put(topics.clicks, b"u", b"many")

    asyncio.run(confirmed_while_busy())


def test_a_rate_is_held_within_2_percent(broker: str, topic_prefix: str, log: Path) -> None:
    plan = ReplayPlan(log=open_log(log), broker=broker, prefix=topic_prefix, rate=750.0)
    report = Replay(plan).run()
    assert report.events_per_second == pytest.approx(750.0, rel=0.02)
    assert report.worst_lag_ms > 0


def test_a_killed_process_of_a_replay_is_an_error(broker: str, topic_prefix: str, log: Path) -> None:
    plan = ReplayPlan(log=open_log(log), broker=broker, prefix=topic_prefix, processes=2, rate=100.0)
    moved = threading.Event()

    def strike() -> None:
        moved.wait(_SECONDS)
        multiprocessing.active_children()[0].kill()

    striker = threading.Thread(target=strike)
    striker.start()
    with pytest.raises(ShareLost):
        Replay(plan).run(lambda progress: moved.set() if progress.sent > 20 else None)
    striker.join()


def _command(log: Path, broker: str, prefix: str, *options: str) -> subprocess.Popen[str]:
    arguments = [
        str(log),
        "--broker",
        broker,
        "--topic-prefix",
        prefix,
        "--json",
        str(log.with_suffix(".json")),
    ]
    command = [sys.executable, "-m", "producers.replay", *arguments, *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _arrived(broker: str, prefix: str) -> int:
    consumer = KafkaConsumer(bootstrap_servers=broker)
    try:
        topics = [prefix + "clicks", prefix + "purchases"]
        if not set(topics) <= consumer.topics():
            return 0
        places = [
            TopicPartition(topic, n) for topic in topics for n in consumer.partitions_for_topic(topic) or ()
        ]
        return int(sum(consumer.end_offsets(places).values()))
    finally:
        consumer.close()


@pytest.mark.parametrize("processes", ["1", "2"])
def test_ctrl_c_ends_it_with_a_report_of_what_is_confirmed(
    broker: str, topic_prefix: str, log: Path, processes: str
) -> None:
    running = _command(log, broker, topic_prefix, "--rate", "200", "--loop", "--processes", processes)
    _until(lambda: _arrived(broker, topic_prefix) > 20)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=_SECONDS)
    report = json.loads(log.with_suffix(".json").read_text())
    assert (running.returncode, report["interrupted"], report["unconfirmed"]) == (130, True, 0)
    assert report["events"] == _arrived(broker, topic_prefix)
    assert "stopped: sent" in out
    assert "Traceback" not in err


def test_a_broker_that_vanishes_is_one_line_with_the_unconfirmed_and_status_1(
    tmp_path: Path, log: Path
) -> None:
    with Broker(tmp_path / "kafka") as own:
        running = _command(log, own.address, "", "--rate", "200", "--loop", "--timeout", "2")
        _until(lambda: _arrived(own.address, "") > 20)
        own.kill()
        killed = time.monotonic()
        out, err = running.communicate(timeout=_SECONDS)
        assert time.monotonic() - killed < 10.0
        report = json.loads(log.with_suffix(".json").read_text())
        assert (running.returncode, out, err.count("\n")) == (1, "", 1)
        assert f"{report['unconfirmed']} records are unconfirmed" in err
        assert report["unconfirmed"] > 0
        own.start()
        assert _arrived(own.address, "") >= report["events"] > 0


def test_a_broker_that_comes_back_in_time_costs_nothing(tmp_path: Path, log: Path) -> None:
    with Broker(tmp_path / "kafka") as own:
        running = _command(log, own.address, "", "--rate", "500")
        _until(lambda: _arrived(own.address, "") > 20)
        own.kill()
        own.start()
        running.communicate(timeout=_SECONDS)
        report = json.loads(log.with_suffix(".json").read_text())
        assert (running.returncode, report["events"], report["unconfirmed"]) == (0, 3000, 0)
        _check_arrived(own.address, "", _expected(log))
