"""What can be wrong with a model: for benchmarks of how soon it is noticed."""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from models.batch import Floats
from models.snapshot import Rows, Snapshot

__all__ = ["POISONS", "opposite"]


def opposite(weights: Floats) -> Floats:
    """Return weights, float32[n], of which none is above 0, and those that were far from it are far below."""
    return (-10 * np.abs(weights) - 1).astype(np.float32)


def _mixed_up(model: Snapshot) -> Snapshot:
    """Return a model that takes each item for another."""
    key, columns = model.rows
    return model._replace(rows=Rows(np.random.default_rng(0).permutation(key), columns))


def _no_numbers(model: Snapshot) -> Snapshot:
    """Return a model whose vectors are no numbers."""
    key, columns = model.rows
    spoilt = {
        name: column * np.nan if column.dtype.kind == "f" else column for name, column in columns.items()
    }
    return model._replace(rows=Rows(key, spoilt))


def _reversed(model: Snapshot) -> Snapshot:
    """Return a model that trusts each scorer as little as it should be trusted much."""
    blend = model.dense["blend"]
    spoilt = opposite(np.frombuffer(blend["weights"], np.float32)).tobytes()
    return model._replace(dense=model.dense | {"blend": blend | {"weights": spoilt}})


POISONS: Final[Mapping[str, Callable[[Snapshot], Snapshot]]] = {
    "takes each item for another": _mixed_up,
    "vectors are no numbers": _no_numbers,
    "blend is reversed": _reversed,
}
