"""Laws of slices: hand arithmetic, and evaluations of the slices' own events."""

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.folds import TooFewBatches, folds_of
from models.metrics import K, Scoreboard

BATCHES = st.lists(st.lists(st.integers(0, K), max_size=9), min_size=1, max_size=30)


def counts(batches: list[list[int]]) -> list[dict[str, list[int]]]:
    """Return how often each place was seen after each batch of places."""
    board, found = Scoreboard(), []
    for places in batches:
        board.update_many(torch.tensor(places, dtype=torch.int8))
        found.append({"pop": board.counts})
    return found


def test_mean_and_spread_by_hand() -> None:
    # Two slices: places 1 and 2, then a miss and 4.
    folds = folds_of(counts([[1, 2], [0, 4]]), 2)["pop"]
    assert [part.hit_rate_20 for part in folds.slices] == [1, 0.5]
    assert [part.mrr_20 for part in folds.slices] == [0.75, 0.125]
    assert folds.mean["hit_rate_20"] == 0.75
    # Of two figures the standard deviation is their distance over the root of 2.
    assert folds.spread["hit_rate_20"] == pytest.approx(0.5 / 2**0.5, abs=1e-4)
    assert folds.spread["mrr_20"] == pytest.approx(0.625 / 2**0.5, abs=1e-4)
    assert folds.mean.keys() == folds.spread.keys() == {"hit_rate_20", "mrr_20", "ndcg_10"}


@given(st.lists(st.integers(0, K), min_size=2, max_size=60), st.data())
def test_slices_are_those_of_the_events_in_order(places: list[int], data: st.DataObject) -> None:
    folds = data.draw(st.integers(2, len(places)))
    ends = [-(-len(places) * fold // folds) for fold in range(folds + 1)]  # rounded up
    found = folds_of(counts([[place] for place in places]), folds)["pop"]
    expected = [counts([places[start:stop]])[-1]["pop"] for start, stop in itertools.pairwise(ends)]
    assert found.slices == [Scoreboard(those).quality for those in expected]


@given(BATCHES, st.integers(2, 5))
def test_slices_hold_each_event_once_and_are_equal_but_for_a_batch(
    batches: list[list[int]], folds: int
) -> None:
    try:
        found = folds_of(counts(batches), folds)["pop"]
    except TooFewBatches:
        # A slice had nothing left: some batch is larger than a slice.
        assert max(map(len, batches)) >= sum(map(len, batches)) / folds
        return
    sizes = [part.scored for part in found.slices]
    assert len(sizes) == folds
    assert sum(sizes) == sum(map(len, batches))
    assert max(sizes) - min(sizes) <= 2 * max(map(len, batches))


def test_too_few_batches_are_refused() -> None:
    with pytest.raises(TooFewBatches, match="2 batches with scored events are too few for 3 folds"):
        folds_of(counts([[1, 2], [], [3]]), 3)
