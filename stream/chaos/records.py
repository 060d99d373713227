"""Topics read by a plain consumer from their start, with nothing of a worker."""

import time
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from kafka import KafkaConsumer, TopicPartition

from stream.errors import StreamError

__all__ = ["Record", "TopicStuck", "newest", "read_topic"]

_POLL_MS: Final = 200
_STUCK_SECONDS: Final = 60.0
_FETCH_BYTES: Final = 8 * 2**20


class TopicStuck(StreamError):
    """The broker does not give the records that it says it has."""


class Record(NamedTuple):
    """A record as it lies in its topic; ``timestamp`` is milliseconds since the Unix epoch."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


def read_topic(broker: str, topic: str) -> list[Record]:
    """Return all committed records of a topic, those of each partition in the order of its log.

    Raises
    ------
    TopicStuck
        If they do not come.
    """
    consumer = KafkaConsumer(
        bootstrap_servers=broker,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=_FETCH_BYTES,
        check_crcs=False,  # in Python they are six sevenths of the time, and the loopback loses no bits
    )
    try:
        places = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
        consumer.assign(places)
        return list(_read(consumer, places))
    finally:
        consumer.close()


def newest(records: Sequence[Record]) -> dict[tuple[int, bytes], bytes]:
    """Return the newest value of each partition and key, as compaction leaves them, without tombstones."""
    last = {(record.partition, record.key or b""): record.value for record in records}
    return {place: value for place, value in last.items() if value is not None}


def _read(consumer: KafkaConsumer, places: list[TopicPartition]) -> Iterator[Record]:
    ends = consumer.end_offsets(places)
    deadline = time.monotonic() + _STUCK_SECONDS
    # By position and not by count: compaction and transactions leave offsets without records.
    while any(consumer.position(place) < ends[place] for place in places):
        for records in consumer.poll(timeout_ms=_POLL_MS).values():
            deadline = time.monotonic() + _STUCK_SECONDS
            for raw in records:
                headers = tuple(raw.headers)
                yield Record(raw.topic, raw.partition, raw.offset, raw.timestamp, raw.key, raw.value, headers)
        if time.monotonic() > deadline:
            raise TopicStuck(f"nothing came for {_STUCK_SECONDS:.0f} s of {places}")
