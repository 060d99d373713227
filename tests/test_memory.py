"""Laws of experience replay."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import models.memory
from models.memory import Memory

CPU = torch.device("cpu")


def memory(capacity: int) -> Memory:
    return Memory(capacity, 3, CPU)


def draws(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def lines(first: int, count: int) -> torch.Tensor:
    """Return lines (user, n, -n), so that a torn one is seen, of the users 100 to 102 in turn."""
    numbers = torch.arange(first, first + count)
    return torch.stack([100 + numbers % 3, numbers, -numbers], dim=1)


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
    monkeypatch.setattr(models.memory, "NEWEST", 100)
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


@given(st.lists(st.integers(0, 25), max_size=8), st.integers(0, 40), st.integers(0, 15))
def test_a_memory_that_is_filled_in_two_strokes_is_the_one_its_lines_came_from(
    batches: list[int], cut: int, later: int
) -> None:
    """The newest lines come first, then new ones are added, and the older ones come last."""
    kept, again = memory(10), memory(10)
    for size in batches:
        kept.add(lines(kept.seen + 1, size))
    cut = min(cut, kept.seen)
    again.clear(kept.seen)
    again.put(lines(cut + 1, kept.seen - cut), kept.seen)
    for one in (kept, again):
        one.add(lines(one.seen + 1, later))
    again.put(lines(1, cut), cut)
    assert (again.seen, len(again)) == (kept.seen, len(kept))
    assert torch.equal(again.draw(50, draws()), kept.draw(50, draws()))


@given(
    st.lists(st.one_of(st.integers(0, 9), st.sets(st.integers(100, 103), max_size=2)), max_size=12),
    st.integers(0, 3),
)
def test_who_is_forgotten_is_never_drawn_and_all_else_as_before(
    happenings: list[int | set[int]], seed: int
) -> None:
    kept, whole = memory(10), memory(10)
    gone = torch.zeros(0, dtype=torch.int64)  # the numbers of the blank lines
    for happening in happenings:
        if isinstance(happening, int):
            kept.add(lines(kept.seen + 1, happening))
            whole.add(lines(whole.seen + 1, happening))
        else:
            held = lines(max(kept.seen - 10, 0) + 1, len(kept))
            theirs = held[torch.isin(held[:, 0], torch.tensor(sorted(happening))), 1]
            fresh = theirs[~torch.isin(theirs, gone)]
            assert int(kept.forget(torch.tensor(sorted(happening), dtype=torch.int64))) == len(fresh)
            gone = torch.cat([gone, fresh])
    drawn, must = kept.draw(200, draws(seed)), whole.draw(200, draws(seed))
    must[torch.isin(must[:, 0], gone)] = 0
    assert torch.equal(drawn, must)


def test_a_cleared_memory_has_as_many_lines_and_all_are_blank() -> None:
    kept = memory(10)
    kept.add(lines(1, 8))
    kept.clear(12)
    assert (kept.seen, len(kept)) == (12, 10)
    assert not kept.draw(50, draws()).any()
