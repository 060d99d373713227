"""The topics: their names, and how they must be set up on the broker."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from stream.errors import StreamError

__all__ = ["BROWSE", "CONNECT_MS", "FORGET", "ORDERS", "BrokerAway", "Topic", "TopicMismatch", "Topics"]

BROWSE: Final = "clicks"
ORDERS: Final = "purchases"
FORGET: Final = "forget"
_INPUTS: Final = (BROWSE, ORDERS, "catalog", FORGET)
# A dead letter holds a record of up to 2 MB as it came, and its headers.
_LARGE: Final = {"max.message.bytes": str(4 * 1024 * 1024)}
# The training log is kept for a week: what a retrain can look back on. A record holds a whole batch.
_LESSONS: Final = {"retention.ms": str(7 * 24 * 3600 * 1000), **_LARGE}
# A broker that is up answers at once; a name may have several addresses to try.
CONNECT_MS: Final = 3_000
_COMPACTED: Final = {"cleanup.policy": "compact"}
# A worker that starts years later must know that an item is gone, for it finds it in the model.
_CATALOG: Final = {**_COMPACTED, "delete.retention.ms": str(2**63 - 1)}
# A record that does not count (stream/changelog.py) is written over before compaction can prefer it. But what
# was written over or deleted, as a user who was erased, must not be there for long.
_PROFILES: Final = {
    **_COMPACTED,
    "min.compaction.lag.ms": str(3600 * 1000),
    "max.compaction.lag.ms": str(4 * 3600 * 1000),
    "segment.ms": str(3600 * 1000),
}
# Who rebuilds everything from the sources must not find again whom they still tell of.
_FOREVER: Final = {"retention.ms": "-1"}
# Compacted soon, so that a new replica reads little more than each row once.
_MODEL: Final = {
    **_COMPACTED,
    "segment.bytes": str(32 * 1024 * 1024),
    "min.cleanable.dirty.ratio": "0.1",
    **_LARGE,
}
_SINGLE: Final = ("examples", "model", "steps")


class BrokerAway(StreamError):
    """No broker answers at the addresses of the settings."""

    def __init__(self, brokers: Sequence[str], reason: object) -> None:
        super().__init__(brokers, reason)
        self.brokers = brokers
        self.reason = reason

    def __str__(self) -> str:
        return (
            f"no Kafka answers at {', '.join(self.brokers)} ({self.reason}): start one "
            "(`headrace broker` runs an embedded one) or set HEADRACE_BROKER"
        )


class TopicMismatch(StreamError):
    """A topic exists with other partitions than it must have, so that users would be split.

    ``is_input`` is whether others write it, so that it is theirs and the settings have to follow.

    Examples
    --------
    >>> print(TopicMismatch("clicks", 8, 4, is_input=True))
    topic clicks has 8 partitions, not 4: set HEADRACE_PARTITIONS=8, or another HEADRACE_TOPIC_PREFIX
    >>> print(TopicMismatch("examples", 8, 1, is_input=False))
    topic examples has 8 partitions, not 1: delete it, or set another HEADRACE_TOPIC_PREFIX
    """

    def __init__(self, topic: str, found: int, wanted: int, *, is_input: bool) -> None:
        super().__init__(topic, found, wanted)
        self.topic = topic
        self.found = found
        self.wanted = wanted
        self.is_input = is_input

    def __str__(self) -> str:
        way_out = f"set HEADRACE_PARTITIONS={self.found}, or" if self.is_input else "delete it, or set"
        return (
            f"topic {self.topic} has {self.found} partitions, not {self.wanted}: "
            f"{way_out} another HEADRACE_TOPIC_PREFIX"
        )


class Topic(NamedTuple):
    """How a topic must be: its full name, partitions and the configuration that differs from the broker's.

    ``is_input`` is whether others write it.
    """

    name: str
    partitions: int
    config: Mapping[str, str]
    is_input: bool = False


class Topics:
    """The topics of one worker group.

    Parameters
    ----------
    prefix
        Put in front of every name, as it is.
    partitions
        Of all topics that are keyed by user or item; the learner's inner ones have one.

    Examples
    --------
    >>> topics = Topics("shop-", 4)
    >>> topics.name("clicks"), topics.dead_letters("shop-clicks")
    ('shop-clicks', 'shop-clicks.dlq')
    """

    def __init__(self, prefix: str, partitions: int) -> None:
        self._prefix = prefix
        self.partitions = partitions

    def name(self, topic: str) -> str:
        """Return the full name of a topic of the contract."""
        return self._prefix + topic

    @staticmethod
    def dead_letters(full_name: str) -> str:
        """Return where the records of a topic go that cannot be used."""
        return f"{full_name}.dlq"

    def wanted(self) -> list[Topic]:
        """Return how every topic must be."""
        config: dict[str, Mapping[str, str]] = {
            name: {} for name in (*_INPUTS, "recommendations", "decisions")
        }
        config |= {"catalog": _CATALOG, "profiles": _PROFILES, "examples": _LESSONS}
        config |= {"model": _MODEL, "steps": _LESSONS, FORGET: _FOREVER}
        topics = [
            Topic(self.name(topic), 1 if topic in _SINGLE else self.partitions, kept, topic in _INPUTS)
            for topic, kept in config.items()
        ]
        refusing = (*_INPUTS, "examples")
        dead = [Topic(self.dead_letters(self.name(topic)), self.partitions, _LARGE) for topic in refusing]
        return topics + dead
