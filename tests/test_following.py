"""Laws of following: who applies what another has learnt goes on as the other would have."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from lessons import USERS, examples

from models.batch import Longs
from models.recommender import Recommender
from models.snapshot import Snapshot
from models.stock import Stock

CPU = torch.device("cpu")
LIMIT = 1_000
HORIZON = 8


def recommender() -> Recommender:
    return Recommender(Stock(LIMIT, CPU), seed=5)


def forgotten_after(step: int) -> int:
    return step % USERS + 1


def go_on(model: Recommender, first: int, steps: int) -> None:
    """Learn what is new, with a replay after every other step, and a user forgotten after every fifth."""
    for step in range(first, first + steps):
        lesson = examples(48, step, CPU)
        model.test_many(lesson)
        model.learn_many(lesson)
        if step % 5 == 4:
            model.forget(np.array([forgotten_after(step)]))
        if step % 2:
            model.replay()


def remembered(model: Recommender, steps: int) -> Longs:
    """Return the lines that a model has which went so far."""
    lines = np.empty((0, HORIZON + 2), np.int64)
    for step in range(steps):
        lesson = examples(48, step, CPU)
        lines = np.concatenate([lines, model.lines_of(lesson)])
        if step % 5 == 4:
            lines[lines[:, 0] == forgotten_after(step)] = 0
    return lines


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
    leader, replica, done = recommender(), recommender(), 0
    for steps in parts:
        go_on(leader, done, steps)
        done += steps
        replica.follow(leader.take_changes())
    replica.clear_memory(leader.remembered)
    replica.remember(remembered(leader, done), leader.remembered)
    for model in (leader, replica):
        go_on(model, done, later)
    assert same(leader, replica)


def test_parts_may_come_twice_and_an_older_one_changes_nothing() -> None:
    leader, replica = recommender(), recommender()
    parts: list[Snapshot] = []
    for first in (0, 4, 8):
        go_on(leader, first, 4)
        parts.append(leader.take_changes())
    for part in (parts[0], parts[1], parts[0], parts[2], parts[1], parts[2]):
        replica.follow(part)
    assert whole(replica) == whole(leader)
    assert replica.version == leader.version


def test_a_follower_ranks_as_its_leader() -> None:
    leader, replica = recommender(), recommender()
    go_on(leader, 0, 6)
    replica.follow(leader.take_changes())
    lesson = examples(32, 99, CPU)
    rankings = [model.predict_many(lesson.context, lesson.item[:, None], 20) for model in (leader, replica)]
    assert torch.equal(rankings[0].items, rankings[1].items)
    assert torch.equal(rankings[0].scores, rankings[1].scores)
    assert torch.equal(leader.popular(30), replica.popular(30))


def test_what_did_not_change_is_not_taken_again() -> None:
    leader = recommender()
    go_on(leader, 0, 3)
    leader.take_changes()
    again = leader.take_changes()
    assert not len(again.rows.key)


@pytest.mark.parametrize("later", [0, 1, 2])
def test_who_has_the_newest_lines_learns_the_same_until_it_replays(
    later: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So the older ones may come while new lessons are learnt: they are drawn by replays alone."""
    monkeypatch.setattr("models.memory.NEWEST", 60)
    leader, replica = recommender(), recommender()
    go_on(leader, 0, 6)
    replica.follow(leader.take_changes())
    lines, seen = remembered(leader, 6), leader.remembered
    replica.clear_memory(seen)
    replica.remember(lines[-60:], seen)
    for step in (24, 26)[:later]:  # no replay after these, an erasure after the first
        for model in (leader, replica):
            go_on(model, step, 1)
    older = lines[:-60]
    if later:
        older[older[:, 0] == forgotten_after(24)] = 0
    replica.remember(older, seen - 60)
    for model in (leader, replica):
        go_on(model, 40, 4)
    assert same(leader, replica)


def test_without_the_older_lines_it_replays_otherwise() -> None:
    leader, replica = recommender(), recommender()
    go_on(leader, 0, 6)
    replica.follow(leader.take_changes())
    replica.clear_memory(leader.remembered)
    replica.remember(remembered(leader, 6)[-60:], leader.remembered)
    for model in (leader, replica):
        go_on(model, 6, 2)
    assert not same(leader, replica)
