"""Who reads which partitions: those of one number stay together, and with the worker that had them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import chain, islice
from typing import Final, NamedTuple, cast

import msgspec
from aiokafka.cluster import ClusterMetadata
from aiokafka.coordinator.assignors.abstract import AbstractPartitionAssignor
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment as Assignment
from aiokafka.coordinator.protocol import ConsumerProtocolMemberMetadata as Metadata
from faust.types import TP

__all__ = ["Member", "TogetherAssignor", "shares"]

_VERSION: Final = 0

_encode = msgspec.msgpack.Encoder().encode
_HELD: Final = msgspec.msgpack.Decoder(dict[str, list[int]])


class Member(NamedTuple):
    """A worker of the group: the topics it reads, and the partitions of each that it has now."""

    topics: frozenset[str]
    held: Mapping[str, Iterable[int]]


def shares(partitions: Mapping[str, int], members: Mapping[str, Member]) -> dict[str, set[TP]]:
    """Return the partitions of each member.

    Topics that have the same number of partitions and the same readers are shared out alike: who has one's
    partition 3 has the others'. Of each such group every member has as many as another, or one more. A member
    keeps what it has, as far as its share goes, so that few partitions move.

    Parameters
    ----------
    partitions
        How many each topic has; somebody reads it.
    members
        By their ids.

    Examples
    --------
    >>> both = Member(frozenset({"clicks", "purchases"}), {})
    >>> for member, share in shares({"clicks": 2, "purchases": 2}, {"a": both, "b": both}).items():
    ...     print(member, sorted(map(tuple, share)))
    a [('clicks', 0), ('purchases', 0)]
    b [('clicks', 1), ('purchases', 1)]
    """
    groups: dict[tuple[int, frozenset[str]], list[str]] = defaultdict(list)
    for topic in sorted(partitions):
        readers = frozenset(name for name, member in members.items() if topic in member.topics)
        groups[partitions[topic], readers].append(topic)
    given: dict[str, set[TP]] = {name: set() for name in members}
    # Groups with few partitions last, to those that have least.
    for (count, readers), topics in sorted(groups.items(), key=lambda group: (-group[0][0], group[1])):
        order = sorted(readers, key=lambda name: (len(given[name]), name))
        held = {name: _held(members[name], topics) for name in order}
        for name, numbers in _dealt(count, held).items():
            given[name] |= {TP(topic, number) for topic in topics for number in numbers}
    return given


def _held(member: Member, topics: list[str]) -> set[int]:
    """Return the numbers of which the member has all topics."""
    return set[int].intersection(*[set(member.held.get(topic, ())) for topic in topics])


def _dealt(count: int, held: Mapping[str, set[int]]) -> dict[str, set[int]]:
    """Deal the numbers below ``count``: first what each has, the fullest first, then what is left."""
    free, dealt = set(range(count)), {name: set[int]() for name in held}
    least, larger = divmod(count, len(held))
    fullest_first = sorted(held, key=lambda name: -len(held[name]))
    size = {name: least + (place < larger) for place, name in enumerate(fullest_first)}
    for name in held:
        dealt[name] = set(sorted(held[name] & free)[: size[name]])
        free -= dealt[name]
    left = iter(sorted(free))
    for name in held:
        dealt[name] |= set(islice(left, size[name] - len(dealt[name])))
    return dealt


class TogetherAssignor(AbstractPartitionAssignor):  # type: ignore[misc]  # aiokafka is untyped
    """Shares out the partitions as `shares` says; for the ``partition_assignment_strategy`` of aiokafka.

    aiokafka's own spread the partitions of all topics one by one, so that two workers had the clicks and the
    purchases of the same users.
    """

    name = "together"

    def __init__(self) -> None:
        self._held: dict[str, list[int]] = {}

    def assign(self, cluster: ClusterMetadata, members: Mapping[str, Metadata]) -> dict[str, Assignment]:
        """Return the assignment of each member; called where this worker leads the group."""
        known = {
            name: Member(frozenset(metadata.subscription), _HELD.decode(metadata.user_data))
            for name, metadata in members.items()
        }
        topics = frozenset(chain.from_iterable(member.topics for member in known.values()))
        partitions = {topic: len(cluster.partitions_for_topic(topic) or ()) for topic in topics}
        return {name: _assignment(share) for name, share in shares(partitions, known).items()}

    def metadata(self, topics: Iterable[str]) -> Metadata:
        """Return what this worker says of itself when it joins."""
        return Metadata(_VERSION, list(topics), _encode(self._held))

    def on_assignment(self, assignment: Assignment) -> None:
        """Keep what this worker was given."""
        self._held = {topic: list(numbers) for topic, numbers in assignment.assignment}


def _assignment(share: set[TP]) -> Assignment:
    by_topic: dict[str, list[int]] = defaultdict(list)
    for topic, number in sorted(share):
        by_topic[topic].append(number)
    return cast("Assignment", Assignment(_VERSION, list(by_topic.items()), b""))
