"""What has arrived and is not handled yet, merged over a partition's topics by event time."""

import heapq
from collections import Counter
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Final, NamedTuple

from faust.types import TP

from models.errors import InvalidRecord
from models.events import Event
from stream.chunks import Chunk
from stream.lane import Arrival, Lane

__all__ = ["Arrivals", "Released"]

_BATCH_BYTES: Final = 8 * 1024 * 1024  # a thousand usual events have a third of a megabyte


class Released(NamedTuple):
    """Arrivals of one partition that are next in event time, and where its topics are to be read on."""

    partition: int
    events: list[Event]
    places: list[Arrival]  # of the events, one each
    refused: list[tuple[Arrival, InvalidRecord]]
    next_offsets: dict[str, int]  # by topic
    finished: list[Chunk]  # all of whose records have been released
    erased: Sequence[Arrival] = ()  # events of users who were erased after them (``stream.erasure_markers``)

    @classmethod
    def of(cls, partition: int, arrivals: list[Arrival]) -> "Released":
        """Return the arrivals sorted into events and others; each topic's are in the order of its log."""
        good = [arrival for arrival in arrivals if isinstance(arrival.decoded, Event)]
        last = {arrival.chunk: arrival for arrival in arrivals}
        return cls(
            partition=partition,
            events=[arrival.event for arrival in good],
            places=good,
            refused=[(a, a.decoded) for a in arrivals if isinstance(a.decoded, InvalidRecord)],
            next_offsets={chunk.tp.topic: arrival.record.offset + 1 for chunk, arrival in last.items()},
            finished=[chunk for chunk, arrival in last.items() if arrival.record is chunk.records[-1]],
        )

    @property
    def chunk(self) -> Chunk:
        """One of those that the records are of."""
        arrivals = [*self.places, *self.erased, *(place for place, _ in self.refused)]
        return arrivals[0].chunk

    def without(self, erased: list[Arrival]) -> "Released":
        """Return the same with events that do not count any more set aside."""
        gone = set(erased)
        kept = [place for place in self.places if place not in gone]
        return self._replace(events=[place.event for place in kept], places=kept, erased=erased)


class Arrivals:
    """The lanes of a worker's partitions, merged so that no topic's future is handled before another's past.

    Where one topic of a partition has more to come and nothing at hand, the others wait; where it is read
    to its end, they do not.
    """

    def __init__(self, limit: int) -> None:
        self._lanes: dict[int, dict[str, Lane]] = {}
        self._limit = limit

    def add(self, chunk: Chunk, now: int) -> None:
        """Enter a chunk."""
        lanes = self._lanes.setdefault(chunk.tp.partition, {})
        lanes.setdefault(chunk.tp.topic, Lane(chunk.tp)).add(chunk, now)

    def forget(self, tps: Iterable[TP]) -> None:
        """Drop what waits of these partitions."""
        for tp in tps:
            self._lanes.get(tp.partition, {}).pop(tp.topic, None)

    def waiting(self, tp: TP) -> tuple[int, int]:
        """Return how many records of a topic's partition wait, and how many bytes they have."""
        lane = self._lanes.get(tp.partition, {}).get(tp.topic)
        return (0, 0) if lane is None else (len(lane), lane.size)

    def next_offset(self, tp: TP) -> int | None:
        """Return the offset after the last that arrived, None if nothing did."""
        lane = self._lanes.get(tp.partition, {}).get(tp.topic)
        return None if lane is None else lane.next_offset

    def partitions(self) -> list[int]:
        """Return the partitions of which something waits."""
        return [partition for partition, lanes in self._lanes.items() if any(map(len, lanes.values()))]

    def release(self, partition: int, unfinished: Iterable[str]) -> Released | None:
        """Return the next arrivals, at most the limit; None if all must wait.

        ``unfinished`` are the topics of which the broker has more than has arrived: what is newer than
        their newest arrival waits for them.
        """
        lanes = self._lanes[partition]
        upto = min((lanes[t].newest if t in lanes else 0 for t in unfinished), default=None)
        waiting = [lane for lane in lanes.values() if len(lane)]
        # Most batches are of one topic alone, and need no merge.
        merged = waiting[0] if len(waiting) == 1 else heapq.merge(*waiting, key=attrgetter("order"))
        arrivals, size = list[Arrival](), 0
        for arrival in merged:
            size += arrival.size
            is_full = len(arrivals) == self._limit or (arrivals and size > _BATCH_BYTES)
            if is_full or (upto is not None and arrival.order > upto):
                break
            arrivals.append(arrival)
        return self._take(partition, arrivals) if arrivals else None

    def _take(self, partition: int, arrivals: list[Arrival]) -> Released:
        for topic, count in Counter(arrival.chunk.tp.topic for arrival in arrivals).items():
            self._lanes[partition][topic].drop(count)
        return Released.of(partition, arrivals)
