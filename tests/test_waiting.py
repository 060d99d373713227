"""Laws of rows under a byte budget: nothing beyond it, nothing lost, and nothing that waits for ever."""

from math import ceil

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from lessons import examples
from test_following import whole

from models.budget import Budget
from models.names import Names
from models.recommender import Recommender
from models.record_block import records_of
from models.row_forms import RowForm
from models.row_records import KEY_BYTES, read_rows, record_bytes, row_records
from models.snapshot import Snapshot
from models.stock import Stock
from models.table import Column, Table
from models.waiting import AtOnce, Waiting

CPU = torch.device("cpu")
ROW = 10  # bytes; names have none here


def table(keys: int) -> Table:
    """Return a table of keys 1 to n, in rows of the same numbers."""
    made = Table({"weight": Column((2,), spread=0.1)}, 10_000, CPU, seed=0)
    made.version = 1
    made.admit(torch.arange(1, keys + 1))
    return made


def budget(rows: int, keys: int = 1_000) -> Budget:
    names = Names()
    names.learn(range(keys + 1), [""] * (keys + 1))
    return Budget(rows * ROW, ROW, names)


def step(table: Table, moves: dict[int, float]) -> None:
    """Move the vectors of rows."""
    table.version += 1
    for row, distance in moves.items():
        table["weight"][row] += torch.tensor([distance, 0.0])
    table.touch(torch.tensor(list(moves), dtype=torch.int64))


def settled(rows: int) -> tuple[Table, Waiting]:
    """Return a table whose vectors all have length 1, and were published."""
    made = table(rows)
    waiting = Waiting(made)
    made["weight"][1:] = torch.tensor([1.0, 0.0])
    waiting.take(None)
    return made, waiting


def test_what_has_moved_most_goes_first_and_what_is_new_before_it() -> None:
    held, waiting = settled(9)
    step(held, {1: 0.1, 2: 0.4, 3: 0.2, 4: 0.3})
    assert sorted(waiting.take(budget(2)).rows.tolist()) == [1, 2]  # the one that waits longest; the farthest
    held.admit(torch.tensor([10]))
    assert sorted(waiting.take(budget(2)).rows.tolist()) == [3, 10]
    assert waiting.take(budget(2)).rows.tolist() == [4]


def test_moves_add_up_while_a_row_waits() -> None:
    held, waiting = settled(9)
    step(held, {1: 0.01, 2: 0.3, 3: 0.2})
    assert waiting.take(budget(1)).rows.tolist() == [1]
    step(held, {3: 0.2, 4: 0.3, 5: 0.01})
    assert sorted(waiting.take(budget(2)).rows.tolist()) == [2, 3]
    assert len(waiting) == 2


@pytest.mark.parametrize(("rows", "limit"), [(40, 1), (40, 7), (40, 8), (40, 9), (100, 30)])
def test_a_row_that_hardly_moves_goes_out_as_well(rows: int, limit: int) -> None:
    held, waiting = settled(rows + 1)
    still = rows + 1
    step(held, {row: 0.001 if row == still else 5.0 for row in range(1, rows + 2)})
    publications = 1
    while still not in waiting.take(budget(limit)).rows.tolist():
        step(held, dict.fromkeys(range(1, rows + 1), 5.0 * publications))  # all others go far, again
        publications += 1
    assert publications <= ceil((rows + 1) / ceil(limit / 8))


MOVES = st.dictionaries(st.integers(1, 30), st.floats(0.01, 9), max_size=12)


@given(st.lists(st.lists(MOVES, max_size=3), max_size=9))
def test_of_the_complete_version_nothing_waits(runs: list[list[dict[int, float]]]) -> None:
    held, waiting = settled(30)
    unpublished: dict[int, int] = {}  # the version of the first change that is not published, by row
    for steps in runs:
        for moves in steps:
            step(held, moves)
            unpublished = dict.fromkeys(moves, held.version) | unpublished
        for row in waiting.take(budget(3)).rows.tolist():
            unpublished.pop(row)
        assert len(waiting) == len(unpublished)
        assert waiting.complete < min([*unpublished.values(), held.version + 1])
        assert waiting.complete == held.version or unpublished


def test_an_evicted_row_waits_no_more() -> None:
    held, waiting = settled(5)
    step(held, {1: 0.5, 2: 0.2, 3: 0.1})
    assert waiting.take(budget(1)).rows.tolist() == [1]
    held.evict(torch.tensor([2]))
    taken = waiting.take(budget(0))  # a row at least, though what is gone takes all there is
    assert (taken.rows.tolist(), taken.removed.tolist(), len(waiting)) == ([3], [2], 0)


def test_a_key_that_takes_the_row_of_another_is_new() -> None:
    held, waiting = settled(5)
    held.evict(torch.tensor([5]))
    step(held, {1: 9.0, 2: 9.0, 3: 9.0})
    assert held.admit(torch.tensor([77])).tolist() == [5]
    # What is gone takes nearly a row; then come the one that waits longest, and the new one.
    assert sorted(waiting.take(budget(3)).rows.tolist()) == [1, 5]


def test_without_a_ration_nothing_may_wait() -> None:
    with pytest.raises(ValueError, match="nothing can be left"):
        AtOnce(table(1)).take(budget(1))


def rationed() -> Recommender:
    return Recommender(Stock(1_000, CPU), seed=5, is_rationed=True)


def names_of(model: Recommender) -> Names:
    names = Names()
    keys = model._table["key"].tolist()
    names.learn(keys, [f"item-{key}" for key in keys])
    return names


def learn(model: Recommender, number: int) -> None:
    lesson = examples(48, number, CPU)
    model.test_many(lesson)
    model.learn_many(lesson)


def published(model: Recommender, size: int, form: RowForm = RowForm.EXACT) -> tuple[Snapshot, int]:
    """Return a publication of at most so many bytes, or of one row, and how many it has."""
    names = names_of(model)
    part = model.take_changes(Budget(size, record_bytes(model.row_type, form), names))
    records = records_of(row_records(part.rows, names.of(part.rows.key.tolist()), part.removed, form))
    read = read_rows(records.items(), model.row_type)
    return part._replace(rows=read.rows), sum(KEY_BYTES + len(value or b"") for value in records.values())


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(0, 9_000), min_size=1, max_size=8), st.sampled_from(RowForm))
def test_a_publication_keeps_to_its_bytes_but_for_one_row(sizes: list[int], form: RowForm) -> None:
    model = rationed()
    for number, size in enumerate(sizes):
        learn(model, number)
        part, took = published(model, size, form)
        assert took <= size or len(part.rows.key) == 1
        assert len(part.rows.key) > 0
        # Another row, with its id of at most 24 bytes, would not have fitted.
        assert took > size - record_bytes(model.row_type, form) - 24 or not model.waiting


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(1_000, 9_000), min_size=1, max_size=8))
def test_what_is_published_comes_to_the_whole_once_nothing_waits(sizes: list[int]) -> None:
    model, replica = rationed(), Recommender(Stock(1_000, CPU), seed=5)
    for number, size in enumerate(sizes):
        learn(model, number)
        replica.follow(published(model, size)[0])
    waiting = len(model.waiting)
    assert waiting > 0
    replica.follow(model.take_changes())  # as at an end in good order
    assert len(model.waiting) == 0
    assert whole(replica) == whole(model)


def test_what_waits_goes_out_though_nothing_is_learnt_any_more() -> None:
    model, replica = rationed(), Recommender(Stock(1_000, CPU), seed=5)
    learn(model, 0)
    publications = 0
    while publications == 0 or model.waiting:
        replica.follow(published(model, 4_000)[0])
        publications += 1
    assert publications > 2
    assert whole(replica) == whole(model)


def test_who_reads_his_own_older_publication_lets_wait_what_waited() -> None:
    model = rationed()
    learn(model, 0)
    everything = model.take_changes()
    learn(model, 1)
    published(model, 4_000)
    waiting = len(model.waiting)
    model.follow(everything)
    assert waiting == len(model.waiting) > 0


def test_who_takes_over_lets_nothing_wait_that_was_published() -> None:
    model, other = rationed(), rationed()
    for number in range(3):
        learn(model, number)
    other.follow(model.take_changes())
    assert len(other.waiting) == 0
    assert np.array_equal(other.take_changes().rows.key, [])
    assert other.take_changes().dense["complete"] == model.version
