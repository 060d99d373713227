"""The forms that a row has in a record: all of it as it is, or its vectors coarser and a quarter as long."""

from collections.abc import Mapping
from enum import Enum
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["RowForm", "type_of_rows"]

# Steps of an int8 on either side of zero; -128 is left out, so that a vector and its negative are alike.
_STEPS = 127
_SCALE = "{}_scale".format

Columns = Mapping[str, npt.NDArray[Any]]


class RowForm(Enum):
    """How a row is written; the value is the first byte of its record.

    ``INT8`` has each number of a vector to the nearest of 255 multiples of the row's own scale, which is such
    that the largest is met (symmetric quantisation: Jacob et al., Quantization and Training of Neural
    Networks for Efficient Integer-Arithmetic-Only Inference, CVPR 2018); what is no vector is exact. It is
    off by half a scale at most.

    Examples
    --------
    >>> written = RowForm.INT8.written({"weight": np.array([[2.54, 0.009]], np.float32)})
    >>> written["weight"].tolist(), round(float(written["weight_scale"][0]), 4)
    ([[127, 0]], 0.02)
    """

    EXACT = 1
    INT8 = 2

    def written(self, columns: Columns) -> Columns:
        """Return the columns as they are written, from those of a table; [n, ...] each."""
        if self is RowForm.EXACT:
            return columns
        return {name: it for column in columns.items() for name, it in _coarse(*column).items()}

    def read(self, columns: Columns) -> Columns:
        """Return the columns of a table, from those that are written."""
        if self is RowForm.EXACT:
            return columns
        scales = {_SCALE(name): name for name in columns if _SCALE(name) in columns}
        return {
            name: it * columns[_SCALE(name)][:, np.newaxis] if name in scales.values() else it
            for name, it in columns.items()
            if name not in scales
        }

    def type(self, row_type: np.dtype[np.void]) -> np.dtype[np.void]:
        """Return the type of a row as it is written, from that of a table's row."""
        nothing = np.empty(0, row_type)
        return type_of_rows(self.written({name: nothing[name] for name in row_type.names or ()}))


def type_of_rows(columns: Columns) -> np.dtype[np.void]:
    """Return the type of one row: its columns, little-endian, in the order of their names."""
    return np.dtype([(name, columns[name].dtype, columns[name].shape[1:]) for name in sorted(columns)])


def _coarse(name: str, column: npt.NDArray[Any]) -> Columns:
    """Return a column as int8 and its scales where it is of vectors, float32[n, D]."""
    if column.ndim == 1 or column.dtype.kind != "f":
        return {name: column}
    scale = np.abs(column).max(axis=1, initial=0) / np.float32(_STEPS)  # float32[n]
    steps = np.rint(column / np.where(scale, scale, 1)[:, np.newaxis])  # float32[n, D]
    return {name: steps.astype(np.int8), _SCALE(name): scale}
