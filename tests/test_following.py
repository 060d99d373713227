"""Laws of following: who takes over what another has learnt goes on as the other would have."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from lessons import examples

from models.recommender import Recommender
from models.snapshot import Snapshot

CPU = torch.device("cpu")
LIMIT = 1_000


def recommender() -> Recommender:
    return Recommender(LIMIT, CPU, seed=5)


def go_on(model: Recommender, first: int, steps: int) -> None:
    """Learn what is new, with a rehearsal after every other step."""
    for step in range(first, first + steps):
        lesson = examples(48, step, CPU)
        model.test_many(lesson)
        model.learn_many(lesson)
        if step % 2:
            model.replay()


def whole(model: Recommender) -> dict[int, dict[str, list[float]]]:
    """Return each row's columns by key: where a row stands in the table does not matter."""
    model._table.touch(torch.arange(len(model._table["key"])))
    key, columns = model.take_changes().rows
    return {
        one: {name: column[place].tolist() for name, column in columns.items() if name != "version"}
        for place, one in enumerate(key.tolist())
    }


def same(one: Recommender, other: Recommender) -> bool:
    states = [model.take_changes() for model in (one, other)]
    alike = states[0].version == states[1].version and states[0].dense == states[1].dense
    return alike and one.quality == other.quality and whole(one) == whole(other)


@settings(max_examples=15)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=5), st.integers(1, 5))
def test_a_follower_goes_on_bit_for_bit(parts: list[int], later: int) -> None:
    leader, follower, done = recommender(), recommender(), 0
    lines = []
    for steps in parts:
        go_on(leader, done, steps)
        done += steps
        part = leader.take_changes()
        lines.append(torch.from_numpy(part.lines))
        follower.follow(part)
    follower.remember(torch.cat(lines).numpy(), part.dense["remembered"])
    for model in (leader, follower):
        go_on(model, done, later)
    assert same(leader, follower)


def test_parts_may_come_twice_and_an_older_one_changes_nothing() -> None:
    leader, follower = recommender(), recommender()
    parts: list[Snapshot] = []
    for first in (0, 4, 8):
        go_on(leader, first, 4)
        parts.append(leader.take_changes())
    for part in (parts[0], parts[1], parts[0], parts[2], parts[1], parts[2]):
        follower.follow(part)
    assert whole(follower) == whole(leader)
    assert follower.version == leader.version


def test_a_follower_ranks_as_its_leader() -> None:
    leader, follower = recommender(), recommender()
    go_on(leader, 0, 6)
    follower.follow(leader.take_changes())
    lesson = examples(32, 99, CPU)
    rankings = [model.predict_many(lesson.context, lesson.item[:, None], 20) for model in (leader, follower)]
    assert torch.equal(rankings[0].items, rankings[1].items)
    assert torch.equal(rankings[0].scores, rankings[1].scores)
    assert torch.equal(leader.popular(30), follower.popular(30))


def test_what_did_not_change_is_not_taken_again() -> None:
    leader = recommender()
    go_on(leader, 0, 3)
    leader.take_changes()
    again = leader.take_changes()
    assert not len(again.rows.key)
    assert not len(again.lines)


@settings(max_examples=15)
@given(st.lists(st.integers(1, 4), min_size=2, max_size=5))
def test_what_is_remembered_afterwards_is_taken_with_the_next_changes(parts: list[int]) -> None:
    """What was kept up to some part, and remembers the rest from elsewhere, has no hole."""
    leader, follower, done = recommender(), recommender(), 0
    lines = []
    for steps in parts:
        go_on(leader, done, steps)
        done += steps
        part = leader.take_changes()
        lines.append(torch.from_numpy(part.lines))
        follower.follow(part)
        if len(lines) == 1:
            follower.remember(part.lines, part.dense["remembered"])
            follower.take_changes()
    follower.remember(torch.cat(lines[1:]).numpy(), part.dense["remembered"])
    assert torch.equal(torch.from_numpy(follower.take_changes().lines), torch.cat(lines[1:]))
