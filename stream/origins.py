"""Where the events behind a run of examples stand in Kafka, so that none of them is learnt from twice."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import msgpack
import numpy as np

from models.batch import Bools, Bytes, Longs
from models.errors import ModelError
from stream.lane import Arrival

__all__ = ["HEADER", "Origins", "OriginsUnreadable", "origins_in", "source_name"]

# The name of the header of an examples record that holds them.
HEADER: Final = "origins"


class OriginsUnreadable(ModelError, ValueError):
    """Bytes that are no origins, or those of more or fewer examples."""


class Origins(NamedTuple):
    """The source records of B examples, all of one partition number.

    Examples
    --------
    >>> origins = Origins(3, ["clicks"], np.zeros(2, np.uint8), np.array([17, 18]))
    >>> origins.next_offsets
    {'clicks-3': 19}
    >>> origins.not_in({"clicks-3": 18}).tolist()
    [False, True]
    """

    partition: int
    topics: list[str]
    topic: Bytes  # uint8[B], places in ``topics``
    offset: Longs  # int64[B]

    @classmethod
    def of(cls, partition: int, places: Sequence[Arrival], generations: Mapping[str, int]) -> "Origins":
        """Return those of events by their arrivals; ``generations`` as `source_name` takes them."""
        names = [source_name(place.chunk.tp.topic, generations) for place in places]
        topics = sorted(set(names))
        topic = np.array([topics.index(name) for name in names], dtype=np.uint8)
        return cls(partition, topics, topic, np.array([place.record.offset for place in places], np.int64))

    @classmethod
    def from_bytes(cls, raw: bytes) -> "Origins":
        """Return what `to_bytes` wrote.

        Raises
        ------
        OriginsUnreadable
            If the bytes are something else.
        """
        try:
            partition, topics, topic, offset = msgpack.unpackb(raw)
            origins = cls(partition, topics, np.frombuffer(topic, np.uint8), np.frombuffer(offset, np.int64))
            is_whole = {*origins.topic.tolist()} == {*range(len(topics))}
        except (ValueError, TypeError, msgpack.UnpackException) as error:
            raise OriginsUnreadable(f"no origins: {error!r}") from error
        if not is_whole:
            raise OriginsUnreadable(f"origins of topics {topics}, which are not those of the examples")
        return origins

    def to_bytes(self) -> bytes:
        """Return one msgpack list."""
        columns = self.topic.tobytes(), self.offset.astype("<i8").tobytes()
        packed: bytes = msgpack.packb([self.partition, self.topics, *columns])
        return packed

    def not_in(self, learnt_to: Mapping[str, int]) -> Bools:
        """Return which examples are of events not below the offsets learnt to, by topic and partition."""
        known = np.array([learnt_to.get(name, 0) for name in self.names], dtype=np.int64)
        fresh: Bools = self.offset >= known[self.topic]
        return fresh

    @property
    def next_offsets(self) -> dict[str, int]:
        """The offset after the last, by topic and partition."""
        return {
            name: int(self.offset[self.topic == place].max()) + 1 for place, name in enumerate(self.names)
        }

    def enter(self, read_to: dict[str, int]) -> Bools:
        """Return which examples are new to who has read so far; note in ``read_to`` that they are read."""
        new = self.not_in(read_to)
        for name, offset in self.next_offsets.items():
            read_to[name] = max(offset, read_to.get(name, 0))
        return new

    @property
    def names(self) -> list[str]:
        """The source topics, each with the partition."""
        return [f"{topic}-{self.partition}" for topic in self.topics]


def source_name(topic: str, generations: Mapping[str, int]) -> str:
    """Return what a source topic is called where its offsets count: a recreated one is another.

    Parameters
    ----------
    topic
        Its full name.
    generations
        How often topics were recreated, by topic, without those that never were.

    Examples
    --------
    >>> source_name("clicks", {}), source_name("clicks", {"clicks": 2})  # no topic's name has a tilde
    ('clicks', 'clicks~2')
    """
    return f"{topic}~{generations[topic]}" if topic in generations else topic


def origins_in(headers: Iterable[tuple[str, bytes]], count: int) -> Origins | None:
    """Return what a record of ``count`` examples says of them, None where it says nothing.

    Raises
    ------
    OriginsUnreadable
        If it cannot be read, or is of another number of examples.
    """
    raw = dict(headers).get(HEADER)
    if raw is None:
        return None
    origins = Origins.from_bytes(raw)
    if not len(origins.topic) == len(origins.offset) == count:
        raise OriginsUnreadable(f"origins of {len(origins.offset)} events for {count} examples")
    return origins
