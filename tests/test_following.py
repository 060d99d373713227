"""Laws of following: who applies what another has learnt goes on as the other would have."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from lessons import examples

from models.batch import Longs
from models.recommender import Recommender
from models.snapshot import Rows, Snapshot
from models.stock import Stock

CPU = torch.device("cpu")
LIMIT = 1_000


def recommender() -> Recommender:
    return Recommender(Stock(LIMIT, CPU), seed=5)


def go_on(model: Recommender, first: int, steps: int) -> None:
    """Learn what is new."""
    for step in range(first, first + steps):
        lesson = examples(48, step, CPU)
        model.test_many(lesson)
        model.learn_many(lesson)


def taught_by(steps: int) -> Longs:
    """Return the items that have taught a model which went so far, int64[n]."""
    lessons = [examples(48, step, CPU) for step in range(steps)]
    return np.concatenate([lesson.item[lesson.teaches].numpy() for lesson in lessons])


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


def shuffled(part: Snapshot, seed: int) -> Snapshot:
    """Return a snapshot with its rows in another order: they stand elsewhere in who follows."""
    order = np.random.default_rng(seed).permutation(len(part.rows.key))
    columns = {name: column[order] for name, column in part.rows.columns.items()}
    return part._replace(rows=Rows(part.rows.key[order], columns))


@settings(max_examples=15)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=5), st.integers(1, 5), st.integers(0, 9))
def test_a_follower_goes_on_bit_for_bit(parts: list[int], later: int, seed: int) -> None:
    leader, replica, done = recommender(), recommender(), 0
    for steps in parts:
        go_on(leader, done, steps)
        done += steps
        replica.follow(shuffled(leader.take_changes(), seed))
    replica.draw_from(taught_by(done))
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


def test_without_the_items_to_draw_from_it_learns_otherwise() -> None:
    leader, replica = recommender(), recommender()
    go_on(leader, 0, 6)
    replica.follow(leader.take_changes())
    replica.draw_from(taught_by(6)[-60:])
    for model in (leader, replica):
        go_on(model, 6, 2)
    assert not same(leader, replica)
