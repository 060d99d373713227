"""Laws of the exact map from keys to rows."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.index import HashIndex

CPU = torch.device("cpu")
LARGEST = 2**63 - 1
# Few keys, and most of them equal in all their low bits: they meet in one bucket whatever its mask.
colliding = st.sampled_from([number << 40 | low for number in range(1, 40) for low in (0, 1, 0xFFFFFFFF)])
keys = colliding | st.sampled_from((LARGEST, -LARGEST - 1, -1, 1)) | st.integers(1, 9)
batches = st.lists(keys, unique=True, max_size=30)


def found(index: HashIndex, wanted: list[int]) -> list[int]:
    rows: list[int] = index.find(torch.tensor(wanted, dtype=torch.int64)).tolist()
    return rows


def insert(index: HashIndex, rows: dict[int, int]) -> None:
    index.insert(torch.tensor(list(rows)), torch.tensor(list(rows.values())))


@settings(max_examples=60)
@given(st.lists(st.tuples(st.booleans(), batches), max_size=12), batches)
def test_it_finds_what_a_dict_finds(steps: list[tuple[bool, list[int]]], asked: list[int]) -> None:
    index, expected, row = HashIndex(64, CPU), dict[int, int](), 0
    for adds, batch in steps:
        if adds:
            fresh = {key: (row := row + 1) for key in batch if key not in expected}
            if fresh:
                insert(index, fresh)
            expected |= fresh
        else:
            index.remove(torch.tensor(batch, dtype=torch.int64))
            expected = {key: value for key, value in expected.items() if key not in batch}
        asked_now = [*asked, *batch, *expected]
        assert found(index, asked_now) == [expected.get(key, 0) for key in asked_now]


def test_keys_of_one_bucket_are_told_apart() -> None:
    rows = {number << 50: number for number in range(1, 200)}
    index = HashIndex(256, CPU)
    insert(index, rows)
    insert(index, {7: 200})  # a short way after long ones
    assert found(index, [*rows, 7]) == [*rows.values(), 200]
    assert found(index, [200 << 50, 1]) == [0, 0]


def test_removing_one_key_hides_no_other_of_its_chain() -> None:
    rows = {number << 50: number for number in range(1, 33)}
    index = HashIndex(64, CPU)
    insert(index, rows)
    index.remove(torch.tensor([number << 50 for number in range(1, 17)]))
    assert found(index, list(rows)) == [0] * 16 + list(range(17, 33))


def test_no_key_has_no_row() -> None:
    index = HashIndex(8, CPU)
    index.remove(torch.tensor([0, 5]))
    insert(index, {5: 1})
    index.remove(torch.tensor([0, 6]))
    assert found(index, [0, 5]) == [0, 1]


def test_it_stays_exact_beyond_the_size_it_was_made_for() -> None:
    index = HashIndex(4, CPU)
    rows = {number * 7919: number for number in range(1, 16)}
    insert(index, rows)
    assert found(index, list(rows)) == list(rows.values())


@pytest.mark.parametrize("count", [0, 1])
def test_an_empty_batch_is_a_batch(count: int) -> None:
    index = HashIndex(8, CPU)
    nothing = torch.zeros(0, dtype=torch.int64)
    insert(index, dict.fromkeys(range(1, count + 1), 3))
    index.insert(nothing, nothing)
    index.remove(nothing)
    assert found(index, []) == []
    assert found(index, [1]) == [3 * count]


def test_many_at_once_are_found_as_a_dict_finds_them() -> None:
    index = HashIndex(20_000, CPU)
    rows = {number * 7919: number for number in range(1, 20_001)}
    insert(index, rows)
    wanted = [key + missed for key in rows for missed in (0, 1)][:-1]  # no whole number of pieces
    assert found(index, wanted) == [rows.get(key, 0) for key in wanted]
