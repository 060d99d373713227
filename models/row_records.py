"""Rows of the model as records of a compacted topic: one keyed record a row, made by the thousand.

A value is a byte that names the form, the row's columns as they lie in memory, little-endian, in the order of
their names, and the item's id in UTF-8. Without a value the row is gone.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from models.batch import Longs
from models.errors import ModelError
from models.snapshot import Rows

__all__ = ["ReadRows", "RowsUnreadable", "is_row", "read_rows", "row_records", "type_of_rows"]

_FORM: Final = b"\x01"
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


def row_records(rows: Rows, names: list[str], removed: Longs) -> list[tuple[bytes, bytes | None]]:
    """Return the records, key and value, of n rows and of m that are gone.

    Examples
    --------
    >>> rows = Rows(np.array([7]), {"version": np.array([3]), "weight": np.array([[0.5, 1]], np.float32)})
    >>> records = row_records(rows, ["hat"], np.array([9]))
    >>> read = read_rows(records, type_of_rows(rows.columns))
    >>> read.rows.columns["weight"].tolist(), read.names, read.removed.tolist()
    ([[0.5, 1.0]], ['hat'], [9])
    """
    packed = np.zeros(len(rows.key), type_of_rows(rows.columns))
    for name, column in rows.columns.items():
        packed[name] = column
    raw, size = packed.tobytes(), packed.dtype.itemsize
    values = [
        _FORM + raw[start : start + size] + name.encode()
        for start, name in zip(range(0, len(raw), size), names, strict=True)
    ]
    gone = [(key, None) for key in _record_keys(removed)]
    return [*zip(_record_keys(rows.key), values, strict=True), *gone]


def read_rows(records: Iterable[tuple[bytes, bytes | None]], row_type: np.dtype[np.void]) -> ReadRows:
    """Return what records of rows say, the last of each key; ``row_type`` is of one row's columns.

    Raises
    ------
    RowsUnreadable
        If a value is of another form, or of rows with other columns.
    """
    last = dict(records)
    values = {key: value for key, value in last.items() if value is not None}
    stop = 1 + row_type.itemsize
    for value in values.values():
        if len(value) < stop or not value.startswith(_FORM):
            raise RowsUnreadable(f"a row of the model has another form: {value[:8]!r}, {len(value)} bytes")
    table = np.frombuffer(b"".join(value[1:stop] for value in values.values()), row_type)
    columns = {name: np.ascontiguousarray(table[name]) for name in row_type.names or ()}
    return ReadRows(
        Rows(_keys(values), columns),
        [value[stop:].decode() for value in values.values()],
        _keys([key for key, value in last.items() if value is None]),
    )


def type_of_rows(columns: Mapping[str, npt.NDArray[Any]]) -> np.dtype[np.void]:
    """Return the type of one row as it lies in a record."""
    return np.dtype([(name, columns[name].dtype, columns[name].shape[1:]) for name in sorted(columns)])


def _record_keys(keys: Longs) -> list[bytes]:
    raw = keys.astype("<i8").tobytes()
    return [_KEY + raw[start : start + 8] for start in range(0, len(raw), 8)]


def _keys(record_keys: Iterable[bytes]) -> Longs:
    return np.frombuffer(b"".join(key[1:] for key in record_keys), np.int64)
