"""Clicks and purchases are merged by event time, however far one topic's backlog runs ahead of the other's.

Each user walks along one chain of items, so that the next item follows from the latest of either topic. Half
of the users only click until half-time and the others only buy; then both do both. A worker that took
purchases from after half-time before the clicks of the first half would rank those by an item of the future,
whichever topic comes to it first. Without the merge, each topic by itself, the hit rate falls from 0.92 to
0.38; without waiting for the topic that has more to come (`Intake._unfinished`) to 0.85 or 0.87.
"""

import random
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import msgpack
import pytest
from kafka import KafkaProducer
from kafka.partitioner.default import murmur2
from shop import Shop
from worker_process import WorkerProcess

from stream.topic_setup import create_missing
from stream.topics import Topics

_EVENTS, _USERS, _ITEMS = 6_000, 40, 200
_FAITHFUL = 0.95  # the share of steps along the chain
_BOTH_EVERY = 3  # after half-time each user's third event goes to the other topic
_START = 1_760_000_000_000
_PARTITIONS = 2
_SLOW = 500  # events a second
# Few events a batch: what is learnt reaches the answers soon, at either rate.
_SETTINGS = {"partitions": _PARTITIONS, "batch": 32}

Record = tuple[str, bytes, bytes]  # topic, key, value


def _log() -> Iterator[Record]:
    draw = random.Random(7)  # noqa: S311 (a log, no secret)
    chain = draw.sample(range(_ITEMS), _ITEMS)
    place = [draw.randrange(_ITEMS) for _ in range(_USERS)]
    steps: dict[int, int] = defaultdict(int)
    for number in range(_EVENTS):
        user = draw.randrange(_USERS)
        step = 1 if draw.random() < _FAITHFUL else draw.randrange(_ITEMS)
        place[user] = (place[user] + step) % _ITEMS
        steps[user] += 1
        changed = number > _EVENTS // 2 and steps[user] % _BOTH_EVERY == 0
        yield _record(number, user, f"item-{chain[place[user]]}", buys=changed != _is_buyer(user))


def _is_buyer(user: int) -> bool:
    """Whether the user starts on ``purchases``: all of a partition do, and all of the other do not."""
    partition: int = (murmur2(f"user-{user}".encode()) & 0x7FFFFFFF) % _PARTITIONS
    return partition == 0


def _record(number: int, user: int, item: str, *, buys: bool) -> Record:
    event = {"event_id": f"e{number}", "event": "purchase" if buys else "view_item"}
    event |= {"ts": _START + 1000 * number, "user_id": f"user-{user}", "item_id": item}
    return "purchases" if buys else "clicks", f"user-{user}".encode(), msgpack.packb(event)


def _publish_slowly(shop: Shop, log: list[Record]) -> None:
    producer = KafkaProducer(bootstrap_servers=shop.broker)
    begin = time.monotonic()
    for number, (topic, key, value) in enumerate(log):
        while time.monotonic() < begin + number / _SLOW:
            time.sleep(0.001)
        producer.send(shop.topic(topic), key=key, value=value)
    producer.close()


def _hit_rate(worker: WorkerProcess) -> float:
    figures = worker.reaches(usable=_EVENTS, learnt=_EVENTS)
    assert figures["dead_letters"] == figures["duplicates"] == 0
    rate: float = figures["quality"]["headrace"]["hit_rate_20"]
    return rate


def test_a_backlog_is_foreseen_as_well_as_the_same_log_at_a_slow_rate(broker: str, tmp_path: Path) -> None:
    log = list(_log())
    backlog, live = Shop.new(broker), Shop.new(broker)
    create_missing([broker], Topics(backlog.prefix, _PARTITIONS).wanted(), {})
    backlog.publish(log)
    with (
        WorkerProcess(live, tmp_path / "live", **_SETTINGS) as slow,
        WorkerProcess(backlog, tmp_path / "backlog", **_SETTINGS) as flat_out,
    ):
        slow.ready()
        _publish_slowly(live, log)
        rates = _hit_rate(flat_out), _hit_rate(slow)
    assert min(rates) > 0.8
    assert rates[0] == pytest.approx(rates[1], rel=0.03)
