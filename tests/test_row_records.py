"""Laws of rows as records: what is read is what was written, to the bit or to half a scale."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from models.batch import Floats, Longs
from models.record_block import records_of
from models.row_forms import RowForm, type_of_rows
from models.row_records import RowsUnreadable, is_row, read_rows, row_records
from models.snapshot import Rows

NONE = np.empty(0, np.int64)
IDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=64)
VECTORS = npst.arrays(np.float32, (3, 4), elements=st.floats(-1e6, 1e6, width=32, allow_subnormal=False))


def rows(weight: Floats, first_key: int = 0) -> Rows:
    n = len(weight)
    columns = {"weight": weight, "mass": np.arange(n) / 3, "version": np.arange(n) + 5}
    return Rows(np.arange(first_key, first_key + n), columns)


def of(count: int, first_key: int = 0) -> Rows:
    return rows(np.linspace(-1, 1, 4 * count, dtype=np.float32).reshape(count, 4), first_key)


def records(part: Rows, form: RowForm = RowForm.EXACT, removed: Longs = NONE) -> dict[bytes, bytes | None]:
    return records_of(row_records(part, [f"item-{key}" for key in part.key.tolist()], removed, form))


ROW_TYPE = type_of_rows(of(1).columns)


@given(st.lists(IDS, max_size=20), st.lists(st.integers(-(2**63), 2**63 - 1), max_size=5))
def test_rows_names_and_removals_come_back_as_they_were(names: list[str], removed: list[int]) -> None:
    part, gone = of(len(names)), np.array(removed, np.int64)
    blocks = row_records(part, names, gone)
    read = read_rows([record for block in blocks for record in records_of([block]).items()], ROW_TYPE)
    back = dict(zip(read.rows.key.tolist(), read.names, strict=True))
    # A key that is written and removed was removed last.
    kept = {key: name for key, name in enumerate(names) if key not in removed}
    assert back == kept
    assert set(read.removed.tolist()) == set(removed)
    order = np.argsort(read.rows.key)
    wanted = np.array(sorted(kept), np.int64)
    for name, column in part.columns.items():
        assert read.rows.columns[name].dtype == column.dtype
        assert np.array_equal(read.rows.columns[name][order], column[wanted])


def test_all_records_are_rows() -> None:
    assert all(is_row(key) for key in records(of(3), removed=np.array([9])))
    assert not any(is_row(key) for key in (None, b"", b"dense", b"r1234567", b"r123456789", b"d12345678"))


@given(VECTORS)
def test_an_int8_row_is_off_by_half_a_scale_at_most_and_its_largest_number_is_met(weight: Floats) -> None:
    part = rows(weight)
    read = read_rows(records(part, RowForm.INT8).items(), ROW_TYPE).rows
    scale = np.abs(weight.astype(np.float64)).max(axis=1, keepdims=True) / 127
    error = np.abs(read.columns["weight"].astype(np.float64) - weight)
    # float32 rounds scale and product, each by a part in 2 ** 24, of at most 127 scales.
    assert (error <= scale * (0.5 + 127 * 2**-22)).all()
    assert all(np.array_equal(read.columns[name], part.columns[name]) for name in ("mass", "version"))


def test_a_row_whose_name_is_no_text_is_refused() -> None:
    ((key, value),) = records(of(1)).items()
    assert value is not None
    with pytest.raises(RowsUnreadable, match="no item's id"):
        read_rows([(key, value + b"\xff")], ROW_TYPE)


def test_an_int8_row_by_hand() -> None:
    weight = np.array([[254, -127, 1, 3], [0, 0, 0, 0]], np.float32)  # scales 2 and 0; 0.5 and 1.5 are ties
    written = RowForm.INT8.written(rows(weight).columns)
    assert written["weight"].tolist() == [[127, -64, 0, 2], [0, 0, 0, 0]]  # -63.5 is a tie as well
    assert written["weight_scale"].tolist() == [2, 0]
    read = read_rows(records(rows(weight), RowForm.INT8).items(), ROW_TYPE)
    assert read.rows.columns["weight"].tolist() == [[254, -128, 0, 4], [0, 0, 0, 0]]


def test_quantising_what_was_quantised_changes_nothing() -> None:
    once = read_rows(records(of(5), RowForm.INT8).items(), ROW_TYPE).rows
    again = read_rows(records(once, RowForm.INT8).items(), ROW_TYPE).rows
    assert np.allclose(once.columns["weight"], again.columns["weight"], rtol=1e-6, atol=0)


def test_an_int8_row_takes_a_third_of_the_bytes() -> None:
    part = rows(np.ones((1, 64), np.float32))
    sizes = [sum(map(len, records(part, form).values())) for form in RowForm]  # type: ignore[arg-type]
    # form 1, mass 8, version 8, id 6; and 64 numbers: of 4 bytes, or of 1 and a scale of 4
    assert sizes == [23 + 256, 23 + 64 + 4]


def test_either_form_is_read_whichever_is_written() -> None:
    both = records(of(2)) | records(of(3, first_key=10), RowForm.INT8)
    read = read_rows(both.items(), ROW_TYPE)
    assert sorted(read.rows.key.tolist()) == [0, 1, 10, 11, 12]
    assert dict(zip(read.rows.key.tolist(), read.names, strict=True))[12] == "item-12"
    assert {name: len(column) for name, column in read.rows.columns.items()} == {
        "weight": 5,
        "mass": 5,
        "version": 5,
    }


@pytest.mark.parametrize("value", [b"", b"\x03" + bytes(200), b"\x01short", b"\x02short"])
def test_what_is_no_row_is_refused(value: bytes) -> None:
    with pytest.raises(RowsUnreadable):
        read_rows([(b"r12345678", value)], ROW_TYPE)
