"""Laws of what is known of a user, against a loop over the history."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.batch import ACTIONS, CODE_OF
from models.context import CONTEXT_ITEMS, Context

History = list[tuple[int, int, int]]  # item, action code, time; newest first
histories = st.lists(
    st.lists(
        st.tuples(st.integers(1, 40), st.integers(1, len(ACTIONS)), st.integers(1, 2**42)), max_size=50
    ).map(lambda actions: sorted(actions, key=lambda action: -action[2])),
    max_size=4,
)


def context_of(many: list[History], width: int = 50) -> Context:
    columns = np.zeros((3, len(many), width), dtype=np.int64)
    for line, history in enumerate(many):
        columns[:, line, : len(history)] = np.array(history, dtype=np.int64).reshape(-1, 3).T
    return Context.of(columns[0], columns[1].astype(np.uint8), columns[2])


def slow(history: History) -> History:
    known: dict[int, tuple[int, int, int]] = {}
    for item, action, ts in history:
        if not ACTIONS[action - 1].takes_back:
            known.setdefault(item, (item, action, ts))
    return list(known.values())[:CONTEXT_ITEMS]


@given(histories)
def test_it_is_the_last_distinct_items_each_with_its_latest_action(many: list[History]) -> None:
    context = context_of(many)
    for line, history in enumerate(many):
        expected = slow(history)
        empty = [(0, 0, 0)] * (CONTEXT_ITEMS - len(expected))
        found = zip(*(column[line].tolist() for column in context), strict=True)
        assert list(found) == expected + empty


@given(histories, st.integers(50, 60))
def test_its_width_is_always_the_same(many: list[History], width: int) -> None:
    context = context_of(many, width)
    assert {column.shape for column in context} == {(len(many), CONTEXT_ITEMS)}
    assert [column.dtype for column in context] == [torch.int64, torch.uint8, torch.int64]


def test_a_short_history_makes_a_context_as_wide() -> None:
    view = CODE_OF[ACTIONS[2]]
    context = context_of([[(5, view, 9), (6, view, 8)]], width=3)
    assert context.items.shape == (1, CONTEXT_ITEMS)
    assert context.items[0, :3].tolist() == [5, 6, 0]


def test_a_removal_leaves_an_earlier_view_of_the_item_in_place() -> None:
    view, removal = CODE_OF[ACTIONS[2]], CODE_OF[ACTIONS[5]]
    context = context_of([[(5, removal, 9), (6, view, 8), (5, view, 7)]])
    assert context.items[0, :3].tolist() == [6, 5, 0]
    assert context.ts[0, :3].tolist() == [8, 7, 0]
