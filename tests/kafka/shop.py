"""Where a worker and its producers and readers meet: a broker, and topics of their own."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from time import monotonic, sleep
from typing import Any, NamedTuple
from uuid import uuid4

import msgspec
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from stream.outbox import OutboxRecord

# A free machine needs 8 s to import torch and be ready; a busy one many times that.
DEADLINE = 120.0  # seconds
_LOOK_AGAIN = 0.05


def until(condition: Callable[[], bool], what: str, seconds: float = DEADLINE) -> None:
    """Wait for a condition, looking every 50 ms."""
    end = monotonic() + seconds
    while not condition():
        assert monotonic() < end, f"not within {seconds} s: {what}"
        sleep(_LOOK_AGAIN)


class Shop(NamedTuple):
    """Where a worker and its producers and readers meet: a broker and a prefix of topics."""

    broker: str
    prefix: str

    @classmethod
    def new(cls, broker: str) -> "Shop":
        """A shop with a prefix that no other test has."""
        return cls(broker, f"test-{uuid4().hex[:12]}-")

    def topic(self, name: str) -> str:
        return self.prefix + name

    def environment(self, **settings: object) -> dict[str, str]:
        """The environment of a process for this shop; ``settings`` as in ``top_k=5``."""
        given: dict[str, object] = {
            "broker": f"kafka://{self.broker}",
            "topic_prefix": self.prefix,
            "app_id": self.prefix,
        }
        given |= {"device": "cpu", **settings}
        others = {name: value for name, value in os.environ.items() if not name.startswith("HEADRACE_")}
        return others | {f"HEADRACE_{name.upper()}": str(value) for name, value in given.items()}

    def command(self, *arguments: object) -> "subprocess.Popen[str]":
        """Start ``headrace`` with these arguments."""
        return subprocess.Popen(
            [script("headrace"), *map(str, arguments)],
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def publish(self, records: "Iterable[tuple[str, bytes | None, bytes | None]]") -> None:
        """Publish topic, key and value of each, in order, with nothing of Headrace; return once confirmed."""
        producer = KafkaProducer(bootstrap_servers=self.broker, linger_ms=5, max_request_size=3_000_000)
        try:
            sent = [producer.send(self.topic(name), key=key, value=value) for name, key, value in records]
            for future in sent:
                future.get(DEADLINE)
        finally:
            producer.close()

    def post(self, records: "Iterable[OutboxRecord]") -> None:
        """Publish records as they stand, in order; return once confirmed."""
        producer = KafkaProducer(bootstrap_servers=self.broker)
        try:
            sent = [
                producer.send(topic, partition=partition, key=key, value=value, headers=list(headers))
                for topic, partition, key, value, headers in map(msgspec.structs.astuple, records)
            ]
            for future in sent:
                future.get(DEADLINE)
        finally:
            producer.close()

    def read(self, name: str) -> list[Any]:
        """All records of a topic, those of each partition in the order of its log."""
        log = Log(self, name)
        try:
            return log.read_to_end()
        finally:
            log.close()


def finished(process: "subprocess.Popen[str]") -> str:
    """Wait for a command that must succeed; return what it said."""
    said, _ = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0, said
    return said


class Log:
    """A topic as a consumer of kafka-python alone reads it, from its beginning."""

    def __init__(self, shop: Shop, name: str, **options: Any) -> None:
        self.records: list[Any] = []
        self._consumer = KafkaConsumer(
            bootstrap_servers=shop.broker,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=4_000_000,
            **options,
        )
        numbers = sorted(self._consumer.partitions_for_topic(shop.topic(name)) or ())
        self._places = [TopicPartition(shop.topic(name), number) for number in numbers]
        self._consumer.assign(self._places)

    def read(self) -> list[Any]:
        """Take what is there; return all records read so far."""
        for records in self._consumer.poll(timeout_ms=20).values():
            self.records += records
        return self.records

    def read_to_end(self) -> list[Any]:
        """Read what was published until now; return all records read so far."""
        ends = self._consumer.end_offsets(self._places)
        until(lambda: self.read() is not None and self._is_at(ends), f"all below {ends}")
        return self.records

    def _is_at(self, ends: dict[TopicPartition, int]) -> bool:
        return all(self._consumer.position(place) >= end for place, end in ends.items())

    def close(self) -> None:
        self._consumer.close()


def script(name: str) -> str:
    """The path of a command of the environment that the tests run in."""
    return str(Path(sys.executable).with_name(name))
