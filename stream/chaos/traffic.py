"""What a storm does to the source topics; each returns the seconds until events were handled again."""

from collections.abc import Iterable, Sequence
from itertools import chain
from random import Random
from typing import Final, NamedTuple, TypeVar

import msgspec
from kafka import KafkaProducer

from models.codec import encode
from models.events import Action, Event
from stream.chaos.records import Record, read_topic
from stream.chaos.sources import Sources
from stream.chaos.system import System
from stream.clock import now_ms
from stream.topics import BROWSE, ORDERS

__all__ = ["publish_bad_input", "publish_late", "publish_repeats"]

_FLOW_SECONDS: Final = 60.0
_SAMPLE: Final = 500
_IN_A_ROW: Final = 1_000
_REQUEST_BYTES: Final = 4 * 2**20
_DAY_MS: Final = 86_400_000
_USER: Final = "storm"

_T = TypeVar("_T")


class _Raw(NamedTuple):
    topic: str
    key: bytes | None
    value: bytes | None


def publish_bad_input(system: System, draw: Random) -> float:
    """Put every class of record that is no event between the others, and one class a thousand times."""
    system.let_events_flow(draw)
    bad = _bad_records()
    mixed = [draw.choice(bad) for _ in range(_SAMPLE)] + bad
    row = [draw.choice(bad[:-1])] * _IN_A_ROW  # but for the largest
    return _publish(system, [*mixed, *row])


def publish_repeats(system: System, draw: Random) -> float:
    """Publish events again that were published before, in any order."""
    system.let_events_flow(draw)
    sampled = {topic: _some(_read(system, topic), draw) for topic in (BROWSE, ORDERS)}
    again = [_Raw(topic, one.key, one.value) for topic, records in sampled.items() for one in records]
    draw.shuffle(again)
    return _publish(system, again)


def publish_late(system: System, draw: Random) -> float:
    """Publish new events with the times of a day before, in any order."""
    system.let_events_flow(draw)
    sources = Sources.of(_read(system, BROWSE), [])
    events = [placed.event for placed in chain.from_iterable(sources.events.values())]
    return _publish(system, [_yesterday(event, draw) for event in _some(events, draw)])


def _read(system: System, topic: str) -> list[Record]:
    return read_topic(system.broker.address, system.topics.name(topic))


def _some(sequence: Sequence[_T], draw: Random) -> list[_T]:
    return draw.sample(sequence, min(_SAMPLE, len(sequence)))


def _yesterday(event: Event, draw: Random) -> _Raw:
    late = msgspec.structs.replace(
        event, event_id=f"{event.event_id}-{draw.getrandbits(64):x}", ts=event.ts - _DAY_MS
    )
    return _Raw(BROWSE, event.user_id.encode(), encode(late))


def _bad_records() -> list[_Raw]:
    event = Event(event_id="bad", event=Action.VIEW_ITEM, ts=now_ms(), user_id=_USER, item_id="i")
    good, plain = encode(event), msgspec.to_builtins(event)
    values = [
        b"\xc1\xff\x00\x80",  # no msgpack
        good[:-1],
        b"",
        None,
        b"{'event_id': 1}",  # no JSON
        b"[" * 100_000,
        msgspec.msgpack.encode({**plain, "item_id": 7}),
        msgspec.msgpack.encode({**plain, "event": "sneeze"}),
        msgspec.msgpack.encode({**plain, "price": float("nan")}),
        msgspec.msgpack.encode({**plain, "ts": now_ms() + 3 * _DAY_MS}),
        msgspec.msgpack.encode({**plain, "item_id": "i" * 300}),
        msgspec.msgpack.encode({name: value for name, value in plain.items() if name != "user_id"}),
    ]
    key = _USER.encode()
    topics = (BROWSE, ORDERS)
    bad = [_Raw(topics[number % len(topics)], key, value) for number, value in enumerate(values)]
    return [*bad, _Raw(BROWSE, b"another", good), _Raw(BROWSE, None, good), _Raw(BROWSE, key, b"x" * 900_000)]


def _publish(system: System, records: Iterable[_Raw]) -> float:
    """Publish to the partitions of the keys, wait for the broker, then for events to be handled."""
    producer = KafkaProducer(bootstrap_servers=system.broker.address, max_request_size=_REQUEST_BYTES)
    try:
        for record in records:
            producer.send(system.topics.name(record.topic), key=record.key, value=record.value)
        producer.flush()
    finally:
        producer.close()
    return system.until_flowing(_FLOW_SECONDS)
