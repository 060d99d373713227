"""Laws of merging snapshots: what a run of changes comes to."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from snapshots import WIDTH, PlainModel, plain, run

from models.merging import merged

_keys = st.frozensets(st.integers(-3, 3), max_size=4)
_runs = st.lists(st.tuples(_keys, _keys, st.integers(0, 4)), min_size=1, max_size=12)


@given(_runs, st.integers(1, 12), st.integers(0, 9))
def test_merging_in_two_strokes_is_merging_in_one(
    steps: list[tuple[frozenset[int], frozenset[int], int]], cut: int, capacity: int
) -> None:
    model = PlainModel(capacity)
    changes = [model.step(step) for step in steps]
    once = merged(changes, capacity)
    strokes = [merged(part, capacity) for part in (changes[:cut], changes[cut:]) if part]
    assert plain(merged(strokes, capacity)) == plain(once)
    assert plain(once._replace(removed=np.empty(0, np.int64))) == plain(model.whole())


def test_a_key_is_removed_or_has_a_row_but_never_both() -> None:
    model = PlainModel(5)
    changes = [
        model.step((frozenset({1, 2, 3}), frozenset(), 0)),
        model.step((frozenset({4}), frozenset({1, 2}), 0)),
        model.step((frozenset({2}), frozenset({4}), 0)),
    ]
    both = merged(changes, 5)
    assert both.rows.key.tolist() == [2, 3]
    assert both.rows.columns["count"].tolist() == [3, 1]
    assert both.removed.tolist() == [1, 4]


@pytest.mark.parametrize("capacity", [0, 1, 100])
def test_the_newest_lines_are_kept(capacity: int) -> None:
    changes = [changed for changed, _ in run(6)]
    every = np.concatenate([changed.lines for changed in changes])
    kept = merged(changes, capacity).lines
    assert kept.shape == (min(capacity, len(every)), WIDTH)
    assert kept.tolist() == every.tolist()[::-1][:capacity][::-1]
