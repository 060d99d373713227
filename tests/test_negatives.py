"""Laws of the ring that negatives are drawn from."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.negatives import Negatives

CPU = torch.device("cpu")
CAPACITY = 10


def draws(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def items(first: int, count: int) -> torch.Tensor:
    return torch.arange(first, first + count)


@given(st.lists(st.integers(0, 25), max_size=12))
def test_the_newest_items_are_drawn_and_no_others(batches: list[int]) -> None:
    ring, seen = Negatives(CAPACITY, CPU), 0
    for count in batches:
        ring.add(items(seen + 1, count))
        seen += count
    newest = set(range(max(1, seen - CAPACITY + 1), seen + 1))
    assert len(ring) == len(newest)
    if newest:
        assert set(ring.draw(400, draws()).tolist()) == newest


@pytest.mark.parametrize("seed", range(5))
def test_an_item_is_drawn_as_often_as_it_occurs(seed: int) -> None:
    ring = Negatives(1_000, CPU)
    ring.add(torch.tensor([7] * 30 + [8] * 10).repeat(20))
    assert (ring.draw(4_000, draws(seed)) == 7).float().mean() == pytest.approx(0.75, abs=0.03)


def test_of_nothing_nothing_is_drawn() -> None:
    ring = Negatives(CAPACITY, CPU)
    ring.add(items(1, 0))
    with pytest.raises(ValueError, match="no item to draw"):
        ring.draw(5, draws())


def test_draws_are_those_of_the_seed() -> None:
    ring, one, two, other = Negatives(50, CPU), draws(1), draws(1), draws(2)
    ring.add(items(1, 50))
    first = ring.draw(20, one)
    assert torch.equal(first, ring.draw(20, two))
    assert not torch.equal(first, ring.draw(20, other))
    assert not torch.equal(first, ring.draw(20, one))


@given(st.lists(st.integers(0, 25), max_size=8), st.integers(0, 30), st.integers(0, 15))
def test_one_that_is_refilled_draws_as_the_one_its_items_came_from(
    batches: list[int], more: int, later: int
) -> None:
    ring, again = Negatives(CAPACITY, CPU), Negatives(CAPACITY, CPU)
    for count in batches:
        ring.add(items(ring.seen + 1, count))
    count = min(len(ring) + more, ring.seen)  # at least what it holds
    again.add(items(500, 7))  # which is gone
    again.clear()
    again.add(items(ring.seen - count + 1, count))
    new = items(ring.seen + 1, later)
    for one in (ring, again):
        one.add(new)
    assert len(again) == len(ring)
    if ring.seen:
        assert torch.equal(again.draw(50, draws()), ring.draw(50, draws()))
