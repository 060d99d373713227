"""Laws of how partitions are shared out."""

from collections import Counter
from itertools import pairwise

import pytest
from aiokafka.cluster import ClusterMetadata
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.structs import PartitionMetadata
from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from stream.assignor import Member, TogetherAssignor, shares

USERS = ("clicks", "purchases", "forget", "catalog")
ALL = frozenset([*USERS, "examples"])

subscriptions = st.sampled_from([ALL, frozenset(USERS)])
groups = st.dictionaries(st.sampled_from("abcdef"), subscriptions, min_size=1)


def held(share: set[TP]) -> dict[str, list[int]]:
    return {topic: [number for name, number in share if name == topic] for topic, _ in share}


def sizes(partitions: int, topics: set[str]) -> dict[str, int]:
    return {topic: 1 if topic == "examples" else partitions for topic in topics}


@given(st.lists(groups, min_size=1, max_size=4), st.integers(1, 9))
def test_through_all_rebalances_everything_has_one_reader_and_users_stay_together(
    rebalances: list[dict[str, frozenset[str]]], partitions: int
) -> None:
    given_out: dict[str, set[TP]] = {}
    for group in rebalances:
        wanted = sizes(partitions, set[str]().union(*group.values()))
        members = {name: Member(topics, held(given_out.get(name, set()))) for name, topics in group.items()}
        given_out = shares(wanted, members)
        count = Counter(tp for share in given_out.values() for tp in share)
        assert count == {TP(topic, number): 1 for topic, size in wanted.items() for number in range(size)}
        for name, share in given_out.items():
            assert {topic for topic, _ in share} <= group[name]
            if partitions > 1:
                assert len({frozenset(held(share).get(topic, ())) for topic in USERS}) == 1
        clicks = [len(held(share).get("clicks", ())) for share in given_out.values()]
        if partitions > 1 or len(set(group.values())) == 1:
            assert max(clicks) - min(clicks) <= 1


def test_few_partitions_move() -> None:
    members: dict[str, Member] = {}
    seen: list[dict[str, set[TP]]] = []
    for names in ("a", "ab", "abc", "ac", "abc"):
        members = {name: members.get(name, Member(ALL, {})) for name in names}
        seen.append(shares(sizes(6, set(ALL)), members))
        members = {name: Member(ALL, held(share)) for name, share in seen[-1].items()}
    clicks = [{name: set(held(share)["clicks"]) for name, share in one.items()} for one in seen]
    assert [{name: len(numbers) for name, numbers in one.items()} for one in clicks] == [
        {"a": 6},
        {"a": 3, "b": 3},
        {"a": 2, "b": 2, "c": 2},
        {"a": 3, "c": 3},
        {"a": 2, "b": 2, "c": 2},
    ]
    for before, after in pairwise(clicks):
        moved = sum(len(numbers - before.get(name, set())) for name, numbers in after.items())
        new, gone = after.keys() - before.keys(), before.keys() - after.keys()
        assert moved == sum(len(after[name]) for name in new) + sum(len(before[name]) for name in gone)


@pytest.mark.parametrize("workers", [2, 3])
def test_the_assignor_that_it_replaces_splits_the_topics_of_a_user(workers: int) -> None:
    cluster = ClusterMetadata()
    for topic, count in sizes(4, set(ALL)).items():
        cluster._partitions[topic] = {n: PartitionMetadata(topic, n, 0, [], [], None) for n in range(count)}
    one = TogetherAssignor()
    for assignor, together in ((one, True), (RoundRobinPartitionAssignor, False)):
        metadata = one.metadata(ALL)
        found = assignor.assign(cluster, {f"worker-{number}": metadata for number in range(workers)})
        topics = [dict(assigned.assignment) for assigned in found.values()]
        alike = (share.get("clicks") == share.get("purchases") == share.get("forget") for share in topics)
        assert all(alike) is together


def test_what_was_assigned_is_named_at_the_next_rebalance() -> None:
    cluster = ClusterMetadata()
    for topic, count in sizes(4, set(ALL)).items():
        cluster._partitions[topic] = {n: PartitionMetadata(topic, n, 0, [], [], None) for n in range(count)}
    first, second = TogetherAssignor(), TogetherAssignor()
    alone = second.assign(cluster, {"b": second.metadata(ALL)})
    second.on_assignment(alone["b"])
    both = first.assign(cluster, {"a": first.metadata(ALL), "b": second.metadata(ALL)})
    assert dict(both["b"].assignment)["examples"] == [0]
    assert dict(both["b"].assignment)["clicks"] == [0, 1]
