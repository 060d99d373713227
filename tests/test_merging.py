"""Laws of merging snapshots: what a run of changes comes to."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from snapshots import PlainModel, plain

from models.merging import merged

_keys = st.frozensets(st.integers(-3, 3), max_size=4)
_runs = st.lists(st.tuples(_keys, _keys), min_size=1, max_size=12)


@given(_runs, st.integers(1, 12))
def test_merging_in_two_strokes_is_merging_in_one(
    steps: list[tuple[frozenset[int], frozenset[int]]], cut: int
) -> None:
    model = PlainModel()
    changes = [model.step(step) for step in steps]
    once = merged(changes)
    strokes = [merged(part) for part in (changes[:cut], changes[cut:]) if part]
    assert plain(merged(strokes)) == plain(once)
    assert plain(once._replace(removed=np.empty(0, np.int64))) == plain(model.whole())


def test_a_key_is_removed_or_has_a_row_but_never_both() -> None:
    model = PlainModel()
    changes = [
        model.step((frozenset({1, 2, 3}), frozenset())),
        model.step((frozenset({4}), frozenset({1, 2}))),
        model.step((frozenset({2}), frozenset({4}))),
    ]
    both = merged(changes)
    assert both.rows.key.tolist() == [2, 3]
    assert both.rows.columns["count"].tolist() == [3, 1]
    assert both.removed.tolist() == [1, 4]
