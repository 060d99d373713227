"""The last events of a storm: once they are answered, so is all that came before them."""

import time
from typing import Final

import msgspec
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from models.codec import encode
from models.events import Action, Event, Recommendation
from stream.chaos.records import read_topic
from stream.chaos.system import System
from stream.chaos.wait import StormFailed, until
from stream.clock import now_ms
from stream.topics import BROWSE, ORDERS

__all__ = ["send_probes", "until_learnt"]

_ACTIONS: Final = {BROWSE: Action.VIEW_ITEM, ORDERS: Action.PURCHASE}
_CONFIRM_SECONDS: Final = 60.0
_POLL_MS: Final = 200
_decode = msgspec.msgpack.Decoder(Recommendation).decode


def send_probes(system: System, seconds: float) -> None:
    """Publish one event to each partition of both source topics, and wait until all are answered.

    Lags of 0 prove nothing while partitions move and stores are rebuilt. But a partition is handled in order.
    What is ahead of them may take its time: ``seconds`` is how long no event at all may be answered.

    Raises
    ------
    StormFailed
        If nothing is answered for too long.
    """
    name, partitions = system.topics.name("recommendations"), range(system.topics.partitions)
    consumer = KafkaConsumer(bootstrap_servers=system.broker.address)
    try:
        places = [TopicPartition(name, number) for number in partitions]
        consumer.assign(places)
        for place, end in consumer.end_offsets(places).items():
            consumer.seek(place, end)
        waiting, answered_at = _publish(system), time.monotonic()
        while waiting:
            system.check()
            if answered := _answered(consumer):
                waiting, answered_at = waiting - answered, time.monotonic()
            elif time.monotonic() > answered_at + seconds:
                raise StormFailed(f"{len(waiting)} last events are not answered: {sorted(waiting)[:3]}")
    finally:
        consumer.close()


def until_learnt(system: System, seconds: float) -> None:
    """Wait until the learner has published that it has learnt from all examples that are there.

    Raises
    ------
    StormFailed
        If it does not in time.
    """
    address, name = system.broker.address, system.topics.name
    end = max((record.offset + 1 for record in read_topic(address, name("examples"))), default=0)

    def learnt() -> bool:
        system.check()
        journal = read_topic(address, name("steps"))
        return end == 0 or (
            bool(journal) and msgspec.msgpack.decode(journal[-1].value or b"")["position"] >= end
        )

    until(learnt, "all is learnt", seconds)


def _publish(system: System) -> set[str]:
    """Publish the probes; return their ids."""
    producer = KafkaProducer(bootstrap_servers=system.broker.address)
    try:
        probes = [(topic, number) for topic in _ACTIONS for number in range(system.topics.partitions)]
        events = {probe: _event(*probe) for probe in probes}
        for (topic, number), event in events.items():
            key = f"probe-{number}".encode()
            sent = producer.send(system.topics.name(topic), encode(event), key, partition=number)
            sent.get(_CONFIRM_SECONDS)
    finally:
        producer.close()
    return {event.event_id for event in events.values()}


def _event(topic: str, partition: int) -> Event:
    now = now_ms()
    return Event(
        event_id=f"probe-{topic}-{partition}-{now}",
        event=_ACTIONS[topic],
        ts=now,
        user_id=f"probe-{partition}",
        item_id="probe",
    )


def _answered(consumer: KafkaConsumer) -> set[str]:
    """Return the ids of the events whose answers have come."""
    come = consumer.poll(timeout_ms=_POLL_MS).values()
    return {_decode(record.value).event_id for records in come for record in records}
