"""What the source topics hold: the events of each partition in event time, and what is no event."""

import heapq
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from models.codec import EVENTS
from models.errors import InvalidRecord
from models.events import Event
from stream.chaos.records import Record

__all__ = ["Placed", "Refused", "Sources"]


class Placed(NamedTuple):
    """An event and the record that it came in."""

    event: Event
    record: Record

    @property
    def answer_id(self) -> str:
        """The ``recommendation_id`` of its answer."""
        return f"{self.record.topic}-{self.record.partition}-{self.record.offset}"


class Refused(NamedTuple):
    """Where a record stands that must go to the dead letters."""

    topic: str
    partition: int
    offset: int


class Sources(NamedTuple):
    """The events by partition, those of both topics in the order of their times, repeats among them.

    What a worker makes of them does not depend on how it merges the two topics (``models.fold``), so this
    order is as good as any; within a topic, events of the same time stay in the order of its log.
    """

    events: dict[int, list[Placed]]
    refused: list[Refused]

    @classmethod
    def of(cls, browsing: Iterable[Record], orders: Iterable[Record]) -> "Sources":
        """Return what is in the records of the two topics, those of each partition in the order of its log.

        Orders stay as they came: which order line a refund marks is decided when it arrives.
        """
        refused: list[Refused] = []
        clicks = _by_partition(_decoded(browsing, refused))
        lines = _by_partition(_decoded(orders, refused))
        events = {}
        for partition in clicks.keys() | lines.keys():
            sides = sorted(clicks.get(partition, []), key=_time), lines.get(partition, [])
            events[partition] = list(heapq.merge(*sides, key=_time))
        return cls(events, refused)


def _time(placed: Placed) -> int:
    return placed.event.ts


def _by_partition(placed: Iterator[Placed]) -> dict[int, list[Placed]]:
    partition = attrgetter("record.partition")
    return {number: list(group) for number, group in groupby(sorted(placed, key=partition), key=partition)}


def _decoded(records: Iterable[Record], refused: list[Refused]) -> Iterator[Placed]:
    for record in records:
        try:
            yield Placed(EVENTS.decode(record.value, record.key, record.timestamp), record)
        except InvalidRecord:
            refused.append(Refused(record.topic, record.partition, record.offset))
