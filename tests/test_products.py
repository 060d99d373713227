"""Inner products of users with rows of their own choice are those that summing gives."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.products import products


@given(st.integers(0, 10_000), st.integers(0, 5), st.integers(0, 40), st.integers(1, 30), st.integers(1, 20))
def test_products_are_those_of_numpy(seed: int, lines: int, count: int, rows: int, width: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    users, vectors = (torch.randn(size, width, generator=generator) for size in (lines, rows))
    chosen = torch.randint(rows, (lines, count), generator=generator)  # more than there are rows: they repeat
    expected = (users.numpy()[:, None].astype(float) * vectors.numpy()[chosen.numpy()]).sum(axis=2)
    assert products(users, chosen, vectors).numpy() == pytest.approx(expected, abs=1e-4)


def test_part_of_a_larger_table_serves_as_well() -> None:
    table = torch.randn(50, 8)
    users, rows = torch.randn(3, 8), torch.tensor([[1, 9, 0], [2, 2, 2], [9, 8, 7]])
    assert torch.equal(products(users, rows, table[:10]), products(users, rows, table[:10].clone()))
