"""Laws of exact top-K and of the batched list algebra, against numpy and lists."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import models.ranking
from models.ranking import NO_SCORE, best, compact, highest, is_among, ordered, top_k


def problem(seed: int, lines: int, rows: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return queries, weights and bans; row 0 is not zero here: it must be left out by its place."""
    generator = torch.Generator().manual_seed(seed)
    weights = torch.randn(rows, 5, generator=generator)
    weights[0] = 100
    banned = torch.randint(rows, (lines, 3), generator=generator)
    return torch.randn(lines, 5, generator=generator), weights, banned


@given(st.integers(0, 10_000), st.integers(0, 9), st.integers(1, 60), st.integers(1, 30))
def test_top_k_is_what_sorting_all_scores_gives(seed: int, lines: int, rows: int, k: int) -> None:
    queries, weights, banned = problem(seed, lines, rows)
    scores, found = top_k(queries, weights, banned, k)
    assert scores.shape == found.shape == (lines, k)
    products = queries.numpy() @ weights.numpy().T
    for line in range(lines):
        forbidden = {0, *banned[line].tolist()}
        best = [row for row in np.argsort(-products[line]).tolist() if row not in forbidden][:k]
        assert found[line, : len(best)].tolist() == best
        assert np.allclose(scores[line, : len(best)], products[line, best], atol=1e-4)
        assert bool((scores[line, len(best) :] == NO_SCORE).all())


@given(st.integers(0, 10_000), st.integers(7_990, 8_040), st.integers(1, 1_000))
@settings(max_examples=20)
def test_top_k_of_many_rows_is_what_sorting_all_scores_gives(seed: int, rows: int, k: int) -> None:
    queries, weights, banned = problem(seed, 2, rows)
    scores, found = top_k(queries, weights, banned, k)
    products = queries.numpy() @ weights.numpy().T
    for line in range(len(queries)):
        products[line, [0, *banned[line].tolist()]] = NO_SCORE
        best = -np.sort(-products[line])[:k]  # which of two that are nearly equal comes first is rounding
        assert len(set(found[line].tolist())) == k
        assert np.allclose(products[line, found[line]], best, atol=1e-4)
        assert np.allclose(scores[line], best, atol=1e-4)


@pytest.mark.parametrize("most", [1, 100, 10_000])
def test_cutting_the_score_matrix_changes_nothing(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    queries, weights, banned = problem(1, lines=37, rows=50)
    scores, found = top_k(queries, weights, banned, 20)
    monkeypatch.setattr(models.ranking, "_MAX_SCORES", most)
    cut_scores, cut_found = top_k(queries, weights, banned, 20)
    assert torch.equal(cut_found, found)
    assert torch.allclose(cut_scores, scores, atol=1e-5)


matrices = st.tuples(st.integers(0, 5), st.integers(0, 12)).flatmap(
    lambda shape: st.lists(
        st.lists(st.integers(0, 6), min_size=shape[1], max_size=shape[1]),
        min_size=shape[0],
        max_size=shape[0],
    ).map(lambda lines: torch.tensor(lines, dtype=torch.int64).reshape(shape))
)


@given(matrices, st.integers(1, 15))
def test_compact_moves_the_wanted_to_the_front_in_order(items: torch.Tensor, k: int) -> None:
    wanted, scores = items % 2 == 0, items.float() / 3
    moved = compact(wanted, k, items, scores)
    for line, flags in enumerate(wanted.tolist()):
        for before, after in zip((items, scores), moved, strict=True):
            kept = [value for value, flag in zip(before[line].tolist(), flags, strict=True) if flag][:k]
            assert after[line].tolist() == kept + [0] * (k - len(kept))
    assert [column.dtype for column in moved] == [torch.int64, torch.float32]


@given(matrices, st.integers(0, 4))
def test_is_among_looks_in_its_own_line(items: torch.Tensor, width: int) -> None:
    others = (torch.arange(len(items))[:, None] + torch.arange(width)) % 7
    expected = [np.isin(line, other) for line, other in zip(items.numpy(), others.numpy(), strict=True)]
    assert is_among(items, others).tolist() == [flags.tolist() for flags in expected]


@given(matrices)
def test_ordered_is_what_sorting_lists_gives(items: torch.Tensor) -> None:
    values, places = ordered(items)
    assert values.tolist() == [sorted(line) for line in items.tolist()]
    assert items.gather(1, places).equal(values)
    assert places.sort(dim=1).values.equal(torch.arange(items.shape[1]).expand_as(items))


@given(
    st.integers(1, 4),
    st.sampled_from([0, 1, 7, 20, 90, 256, 257, 300, 1_100, 2_900]),
    st.sampled_from([0, 1, 10, 20]),
    st.sampled_from([torch.float32, torch.bfloat16]),
    st.integers(0, 2**31),
)
def test_the_highest_are_those_that_sorting_all_puts_first(
    lines: int, width: int, k: int, dtype: torch.dtype, seed: int
) -> None:
    """Also of many that are equal, minus infinity, zeros of both signs, of lower precision, or none."""
    draw = torch.Generator().manual_seed(seed)
    pool = torch.tensor([-torch.inf, -1e30, -1.5, -0.0, 0.0, 1e-30, 2.0, 1e30])
    scores = torch.where(
        torch.rand(lines, width, generator=draw) < 0.5,
        pool[torch.randint(len(pool), (lines, width), generator=draw)],
        torch.randn(lines, width, generator=draw),
    ).to(dtype)
    k = min(k, width)
    wanted = [sorted(line, reverse=True)[:k] for line in scores.tolist()]
    for found in (highest, best):
        values, places = found(scores, k)
        assert values.tolist() == wanted
        assert torch.equal(scores.gather(1, places), values)
        assert all(len(set(line)) == k for line in places.tolist())
