"""Rows of the model as records of a compacted topic: one keyed record a row, made by the thousand.

A value is a byte that names the form (`models.row_forms`), the row's columns as they lie in memory,
little-endian, in the order of their names, and the item's id in UTF-8. Without a value the row is gone.
"""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from models.batch import Bytes, Longs
from models.errors import ModelError
from models.record_block import RecordBlock
from models.row_forms import RowForm, type_of_rows
from models.snapshot import Rows

__all__ = ["KEY_BYTES", "ReadRows", "RowsUnreadable", "is_row", "read_rows", "record_bytes", "row_records"]

_KEY: Final = b"r"
# Of a record; all that a row that is gone has.
KEY_BYTES: Final = 9
_NONE: Final = np.empty(0, np.int64)


class RowsUnreadable(ModelError, ValueError):
    """Records that are no rows of this model's."""


class ReadRows(NamedTuple):
    """What records say: rows, their items' ids, and the keys whose rows are gone."""

    rows: Rows
    names: list[str]
    removed: Longs  # int64[m]


def is_row(record_key: bytes | None) -> bool:
    """Say whether a record with this key is about a row."""
    return record_key is not None and len(record_key) == KEY_BYTES and record_key.startswith(_KEY)


def record_bytes(row_type: np.dtype[np.void], form: RowForm) -> int:
    """Return the bytes of a row's record, key and value, but for the item's id."""
    return KEY_BYTES + 1 + form.type(row_type).itemsize


def row_records(
    rows: Rows, names: list[str], removed: Longs, form: RowForm = RowForm.EXACT
) -> list[RecordBlock]:
    """Return the records of n rows and of m that are gone; rows whose names are as long share a block.

    Examples
    --------
    >>> from models.record_block import records_of
    >>> rows = Rows(np.array([7]), {"version": np.array([3]), "weight": np.array([[0.5, 1]], np.float32)})
    >>> blocks = row_records(rows, ["hat"], np.array([9]))
    >>> read = read_rows(records_of(blocks).items(), type_of_rows(rows.columns))
    >>> read.rows.columns["weight"].tolist(), read.names, read.removed.tolist()
    ([[0.5, 1.0]], ['hat'], [9])
    """
    encoded = [name.encode() for name in names]
    sizes = np.fromiter(map(len, encoded), np.int64, len(rows.key))  # bytes of each name, int64[n]
    columns, blocks = form.written(rows.columns), []
    row_type = type_of_rows(columns)
    for size in np.unique(sizes).tolist():
        here = (sizes == size).nonzero()[0]
        value = np.empty(len(here), [("form", "u1"), ("row", row_type), ("name", "u1", (size,))])
        value["form"] = form.value
        for name, column in columns.items():
            value["row"][name] = column[here]
        text = b"".join([encoded[place] for place in here.tolist()])
        value["name"] = np.frombuffer(text, np.uint8).reshape(len(here), size)
        table = value.view(np.uint8).reshape(len(here), value.itemsize)
        blocks.append(RecordBlock(_record_keys(rows.key[here]), table))
    return [*blocks, RecordBlock(_record_keys(removed), None)]


def read_rows(records: Iterable[tuple[bytes, bytes | None]], row_type: np.dtype[np.void]) -> ReadRows:
    """Return what records of rows say, the last of each key; ``row_type`` is of one row's columns.

    Raises
    ------
    RowsUnreadable
        If a value is of another form, or of rows with other columns, or names no item.
    """
    last = dict(records)
    values = {key: value for key, value in last.items() if value is not None}
    written = _Written.of(values, 1 + max(form.type(row_type).itemsize for form in RowForm))
    forms = set(written.form.tolist())
    if not forms <= {form.value for form in RowForm}:
        raise RowsUnreadable(f"rows of the model have other forms: {sorted(forms)}")
    parts = [written.rows(RowForm(number), row_type) for number in forms or {RowForm.EXACT.value}]
    columns = {name: np.concatenate([it.rows.columns[name] for it in parts]) for name in row_type.names or ()}
    rows = Rows(np.concatenate([part.rows.key for part in parts]), columns)
    removed = _keys([key for key, value in last.items() if value is None])
    return ReadRows(rows, [name for part in parts for name in part.names], removed)


class _Written(NamedTuple):
    """Values of n records one after the other, and zeros to read on into where there are none."""

    key: Longs
    values: list[bytes]
    raw: Bytes
    start: Longs  # int64[n], where each begins
    length: Longs  # int64[n]
    form: Bytes  # uint8[n]

    @classmethod
    def of(cls, values: Mapping[bytes, bytes], room: int) -> "_Written":
        raw = np.frombuffer(b"".join([*values.values(), bytes(room)]), np.uint8)
        length = np.fromiter(map(len, values.values()), np.int64, len(values))
        start = np.cumsum(length) - length
        # One that has no byte has no form: it reads that of the next, and is too short for any.
        return cls(_keys(values), list(values.values()), raw, start, length, raw[start])

    def rows(self, form: RowForm, row_type: np.dtype[np.void]) -> ReadRows:
        """Return the rows that are of this form."""
        written = form.type(row_type)
        stop = 1 + written.itemsize
        chosen = (self.form == form.value).nonzero()[0]
        short = chosen[self.length[chosen] < stop]
        if len(short):
            raise RowsUnreadable(
                f"a row of the model has fewer than {stop} bytes: {self.values[short[0]][:8]!r}"
            )
        table = sliding_window_view(self.raw, written.itemsize)[self.start[chosen] + 1].view(written)[:, 0]
        columns = form.read({name: np.ascontiguousarray(table[name]) for name in written.names or ()})
        names = [_name(self.values[place][stop:]) for place in chosen.tolist()]
        return ReadRows(Rows(self.key[chosen], columns), names, _NONE)


def _name(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise RowsUnreadable(f"a row of the model has no item's id: {raw[:64]!r}") from error


def _record_keys(keys: Longs) -> Bytes:
    """Return uint8[n, 9]."""
    raw = keys.astype("<i8").view(np.uint8).reshape(-1, KEY_BYTES - 1)
    return np.hstack([np.full((len(keys), 1), _KEY[0], np.uint8), raw])


def _keys(record_keys: Iterable[bytes]) -> Longs:
    return np.frombuffer(b"".join(key[1:] for key in record_keys), np.int64)
