"""Laws of the collisionless table, against a dict."""

import pytest
import torch
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from torch import Tensor

from models.table import Column, Table

CPU = torch.device("cpu")
LIMIT = 1500  # beyond the rows a table starts with, so that it grows and fills up


def table(limit: int = LIMIT) -> Table:
    columns = {"mark": Column((), torch.int64), "weight": Column((1,), spread=0.5)}
    return Table(columns, limit, CPU, seed=0)


def keys(*numbers: int) -> Tensor:
    return torch.tensor(numbers, dtype=torch.int64)


class TableAgainstDict(RuleBasedStateMachine):
    """The dict maps each key to its row; each row is marked with a number made from its key."""

    def __init__(self) -> None:
        super().__init__()
        self.table = table()
        self.rows: dict[int, int] = {}
        self.weights: dict[int, list[float]] = {}
        self.gone: list[int] = []

    @rule(first=st.integers(1, 40), count=st.integers(0, 700), apart=st.sampled_from((1, 1 << 40, -3)))
    def admit(self, first: int, count: int, apart: int) -> None:
        asked = [apart * number for number in range(first, first + count)]
        asked = asked + asked[:5] + [0]
        rows = self.table.admit(keys(*asked))
        new = {
            key: row for key, row in zip(asked, rows.tolist(), strict=True) if row and key not in self.rows
        }
        added = torch.tensor(list(new.values()), dtype=torch.int64)
        assert not self.table["mark"][added].any(), "a new row holds another's state"
        self.table["mark"][added] = keys(*new) ^ 5
        self.rows |= new
        self.weights |= dict(zip(new, self.table["weight"][added].tolist(), strict=True))
        assert rows.tolist() == [self.rows.get(key, 0) for key in asked]
        assert len(self.rows) == LIMIT or self.rows.keys() >= set(asked) - {0}

    @precondition(lambda self: self.rows)
    @rule(data=st.data())
    def evict(self, data: st.DataObject) -> None:
        held = sorted(self.rows)
        start = data.draw(st.integers(0, len(held) - 1))
        self.gone = held[start : start + data.draw(st.integers(1, 400))]
        self.table.evict(keys(*(self.rows.pop(key) for key in self.gone)))

    @invariant()
    def no_two_ids_share_a_row_and_each_keeps_its_own_state(self) -> None:
        held = keys(*self.rows)
        rows = self.table.find(held)
        assert rows.tolist() == list(self.rows.values())
        assert 0 not in self.rows.values()
        assert len(set(self.rows.values())) == len(self.rows) == len(self.table)
        assert torch.equal(self.table["key"][rows], held)
        assert torch.equal(self.table["mark"][rows], held ^ 5)
        assert self.table["weight"][rows].tolist() == [self.weights[key] for key in self.rows]

    @invariant()
    def what_was_evicted_is_gone(self) -> None:
        gone = [key for key in self.gone if key not in self.rows]
        assert not self.table.find(keys(*gone)).any()
        held = keys(*self.rows.values())
        free = torch.ones(len(self.table["key"]), dtype=torch.bool).index_fill_(0, held, value=False)
        assert not self.table["key"][free].any()
        assert not self.table["mark"][free].any()

    @invariant()
    def row_0_stays_zero(self) -> None:
        assert not any(self.table[name][0].any() for name in ("key", "mark", "weight"))


TestTableAgainstDict = TableAgainstDict.TestCase
TestTableAgainstDict.settings = settings(max_examples=8, stateful_step_count=10)


def test_find_changes_nothing() -> None:
    held = table()
    held.admit(torch.arange(1, 50))
    before = {name: held[name].clone() for name in ("key", "mark", "weight")}
    asked = torch.arange(-60, 60).reshape(2, 3, 20)
    assert torch.equal(held.find(asked), held.find(asked))
    assert held.find(asked).shape == asked.shape
    assert len(held) == 49
    assert all(torch.equal(held[name], column) for name, column in before.items())


def test_a_full_table_gives_row_0_and_recovers_after_eviction() -> None:
    held = table(limit=2)
    first = held.admit(keys(4, 9))
    assert held.admit(keys(5, 4)).tolist() == [0, first[0]]
    held.evict(first[:1])
    assert held.admit(keys(4, 5)).count_nonzero() == 1
    assert len(held) == 2


def test_a_batch_that_does_not_fit_is_admitted_as_far_as_it_fits() -> None:
    held = table(limit=3)
    rows = held.admit(keys(8, 6, 7, 6, 9, 8))
    assert sorted(set(rows.tolist())) == [0, 1, 2, 3]
    assert (rows[0], rows[1]) == (rows[5], rows[3])


def test_a_new_row_has_fresh_first_values_after_eviction() -> None:
    held = table()
    row = held.admit(keys(4))
    old = held["weight"][row].clone()
    held["weight"][row] = 99
    held.evict(row)
    assert held.admit(keys(5)).equal(row)
    assert not held["weight"][row].equal(old)
    assert held["weight"][row].abs().max() < 5


def test_a_row_that_is_free_cannot_be_freed_again() -> None:
    held = table()
    rows = held.admit(keys(4, 5))
    held.evict(rows[:1])
    held.evict(torch.cat([rows[:1], keys(0)]))
    assert len(held) == 1
    assert len(set(held.admit(keys(6, 7, 8, 5)).tolist())) == 4


def test_growth_moves_no_row() -> None:
    held = table(limit=5000)
    rows = held.admit(torch.arange(1, 1001))
    before = held["weight"][rows].clone()
    held.admit(torch.arange(1001, 5001))
    assert torch.equal(held.find(torch.arange(1, 1001)), rows)
    assert torch.equal(held["weight"][rows], before)
    assert len(held) == 5000


@pytest.mark.parametrize("columns", [{}, {"weight": Column((2,), spread=1.0)}])
def test_first_values_are_those_of_the_seed(columns: dict[str, Column]) -> None:
    one, two, other = (Table(columns, 9, CPU, seed) for seed in (3, 3, 4))
    for held in (one, two, other):
        held.admit(keys(5, 6))
    for name in columns:
        assert torch.equal(one[name], two[name])
        assert not torch.equal(one[name], other[name])
        assert one[name][1:].std() > 0.1
