"""Laws of experience replay."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import models.memory
from models.memory import Memory

CPU = torch.device("cpu")


def memory(capacity: int) -> Memory:
    return Memory(capacity, 2, CPU)


def draws(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def lines(first: int, count: int) -> torch.Tensor:
    """Return lines (n, -n), so that a torn one is seen."""
    numbers = torch.arange(first, first + count)
    return torch.stack([numbers, -numbers], dim=1)


@given(st.lists(st.integers(0, 25), max_size=12))
def test_the_newest_lines_are_kept_and_no_others(batches: list[int]) -> None:
    kept, capacity, seen = memory(10), 10, 0
    for count in batches:
        kept.add(lines(seen + 1, count))
        seen += count
    newest = set(range(max(1, seen - capacity + 1), seen + 1))
    drawn = kept.draw(400, draws())
    assert len(kept) == len(newest)
    assert set(drawn[:, 0].tolist()) == newest
    assert torch.equal(drawn[:, 0], -drawn[:, 1])


def test_nothing_kept_is_nothing_drawn() -> None:
    kept = memory(10)
    kept.add(lines(1, 0))
    assert kept.draw(5, draws()).shape == (0, 2)


@pytest.mark.parametrize("count", [1, 2, 7, 256])
def test_as_many_are_drawn_as_asked_for(count: int) -> None:
    kept = memory(10)
    kept.add(lines(1, 3))
    assert kept.draw(count, draws()).shape == (count, 2)


@pytest.mark.parametrize("seed", range(5))
def test_half_of_a_draw_is_new_and_half_from_all(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models.memory, "_NEW", 100)
    kept = memory(1_000)
    kept.add(lines(1, 1_000))
    is_new = kept.draw(4_000, draws(seed))[:, 0] > 900
    assert bool(is_new[:2_000].all())
    assert is_new[2_000:].float().mean() == pytest.approx(0.1, abs=0.03)
    assert bool((kept.draw(4_000, draws(seed), new_share=1.0)[:, 0] > 900).all())


def test_draws_are_those_of_the_seed() -> None:
    kept, one, two, other = memory(50), draws(1), draws(1), draws(2)
    kept.add(lines(1, 50))
    first = kept.draw(20, one)
    assert torch.equal(first, kept.draw(20, two))
    assert not torch.equal(first, kept.draw(20, other))
    assert not torch.equal(first, kept.draw(20, one))


@given(st.lists(st.integers(0, 25), max_size=8), st.integers(0, 12))
def test_a_restored_memory_is_the_one_its_lines_came_from(batches: list[int], count: int) -> None:
    kept, again = memory(10), memory(10)
    for size in batches:
        kept.add(lines(kept.seen + 1, size))
    seen = list(range(1, kept.seen + 1))
    assert kept.last(count)[:, 0].tolist() == seen[-10:][len(seen[-10:]) - min(count, len(kept)) :]
    again.restore(kept.last(10), kept.seen)
    assert (again.seen, len(again)) == (kept.seen, len(kept))
    assert torch.equal(again.draw(50, draws()), kept.draw(50, draws()))
