"""Rows of the model as records of a compacted topic: one keyed record a row, made by the thousand.

A value is a byte that names the form (`models.row_forms`), the row's columns as they lie in memory,
little-endian, in the order of their names, and the item's id in UTF-8. Without a value the row is gone.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from models.batch import Bytes, Longs
from models.errors import ModelError
from models.record_block import RecordBlock
from models.row_forms import RowForm, type_of_rows
from models.snapshot import Rows

__all__ = ["ReadRows", "RowsUnreadable", "is_row", "read_rows", "row_records"]

_KEY: Final = b"r"
_KEY_BYTES: Final = 9


class RowsUnreadable(ModelError, ValueError):
    """Records that are no rows of this model's."""


class ReadRows(NamedTuple):
    """What records say: rows, their items' ids, and the keys whose rows are gone."""

    rows: Rows
    names: list[str]
    removed: Longs  # int64[m]


def is_row(record_key: bytes | None) -> bool:
    """Say whether a record with this key is about a row."""
    return record_key is not None and len(record_key) == _KEY_BYTES and record_key.startswith(_KEY)


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
    order = np.argsort(sizes, kind="stable")
    columns = form.written(rows.columns)
    packed = np.empty(len(order), type_of_rows(columns))
    for name, column in columns.items():
        packed[name] = column[order]
    fixed = packed.view(np.uint8).reshape(len(order), packed.itemsize)  # uint8[n, bytes of a row]
    text = np.frombuffer(b"".join([encoded[place] for place in order.tolist()]), np.uint8)
    keys, blocks, start = _record_keys(rows.key[order]), [], 0
    for size, count in zip(*np.unique(sizes, return_counts=True), strict=True):
        run = text[: size * count].reshape(count, size)
        text = text[size * count :]
        stop = start + count
        first = np.full((count, 1), form.value, np.uint8)
        blocks.append(RecordBlock(keys[start:stop], np.hstack([first, fixed[start:stop], run])))
        start = stop
    return [*blocks, RecordBlock(_record_keys(removed), None)]


def read_rows(records: Iterable[tuple[bytes, bytes | None]], row_type: np.dtype[np.void]) -> ReadRows:
    """Return what records of rows say, the last of each key; ``row_type`` is of one row's columns.

    Raises
    ------
    RowsUnreadable
        If a value is of another form, or of rows with other columns.
    """
    last = dict(records)
    values = {key: value for key, value in last.items() if value is not None}
    parts = [_parts_of(form, values, row_type) for form in RowForm]
    if sum(len(part.keys) for part in parts) < len(values):
        raise RowsUnreadable(f"rows of the model have other forms: {sorted({v[:1] for v in values.values()})}")
    columns = {name: np.concatenate([part.columns[name] for part in parts]) for name in parts[0].columns}
    key = np.concatenate([_keys(part.keys) for part in parts])
    removed = _keys([key for key, value in last.items() if value is None])
    return ReadRows(Rows(key, columns), [name for part in parts for name in part.names], removed)


class _Part(NamedTuple):
    keys: list[bytes]  # of records
    columns: Mapping[str, npt.NDArray[Any]]
    names: list[str]


def _parts_of(form: RowForm, values: Mapping[bytes, bytes], row_type: np.dtype[np.void]) -> _Part:
    """Return the rows whose values are of this form."""
    first, written = bytes([form.value]), form.type(row_type)
    stop = 1 + written.itemsize
    chosen = {key: value for key, value in values.items() if value[:1] == first}
    short = [value for value in chosen.values() if len(value) < stop]
    if short:
        raise RowsUnreadable(f"a row of the model has {len(short[0])} bytes, not {stop} or more: {short[0][:8]!r}")
    table = np.frombuffer(b"".join([value[1:stop] for value in chosen.values()]), written)
    columns = form.read({name: np.ascontiguousarray(table[name]) for name in written.names or ()})
    return _Part(list(chosen), columns, [value[stop:].decode() for value in chosen.values()])


def _record_keys(keys: Longs) -> Bytes:
    """Return uint8[n, 9]."""
    raw = keys.astype("<i8").view(np.uint8).reshape(-1, _KEY_BYTES - 1)
    return np.hstack([np.full((len(keys), 1), _KEY[0], np.uint8), raw])


def _keys(record_keys: Iterable[bytes]) -> Longs:
    return np.frombuffer(b"".join(key[1:] for key in record_keys), np.int64)
