"""Rows of numbers by key, which grow as keys come: what models that factorise are made of."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import torch
from torch import Tensor

from models.batch import Floats
from models.numbering import Numbering

__all__ = ["Factors", "best"]

_ROWS: Final = 1024  # to begin with; twice as many when they are full
_SPREAD: Final = 0.1  # of a new row's numbers around 0


def best(keys: Sequence[int], scores: Tensor, latest: int, k: int) -> list[int]:
    """Return the ``k`` keys of the highest scores (float32[n]), best first, without ``latest``.

    Examples
    --------
    >>> best([5, 6, 7], torch.tensor([0.1, 0.9, 0.5]), latest=6, k=20)
    [7, 5]
    """
    top = scores.topk(min(k + 1, len(scores))).indices.tolist()
    return [keys[place] for place in top if keys[place] != latest][:k]


class Factors:
    """A matrix float32[n, F] with a row for each key that was met, drawn from a normal distribution.

    Parameters
    ----------
    width
        F.
    rng
        Draws the new rows.

    Examples
    --------
    >>> factors = Factors(2, np.random.default_rng(0))
    >>> factors.row(7)[:], factors.row(8)[:] = (1, 2), (3, 4)
    >>> factors.scores(np.array([1, 1], np.float32)).tolist()
    [3.0, 7.0]
    """

    def __init__(self, width: int, rng: np.random.Generator) -> None:
        self._rng = rng
        self._numbering = Numbering()
        self._values = np.zeros((_ROWS, width), np.float32)

    @property
    def keys(self) -> Sequence[int]:
        """Those that were met, in order of their first."""
        return self._numbering.keys

    def row(self, key: int) -> Floats:
        """Return the row of a key, float32[F], to be read and written before the next new key."""
        met = len(self._numbering)
        place = self._numbering.place(key)
        if place == met:
            if met == len(self._values):
                self._values = np.concatenate([self._values, np.zeros_like(self._values)])
            self._values[place] = self._rng.normal(0, _SPREAD, self._values.shape[1])
        row: Floats = self._values[place]
        return row

    def scores(self, query: Floats) -> Tensor:
        """Return the product of each row with a query, float32[F] -> float32[n]."""
        # By torch, on one thread: numpy's wait for each other on cores that are busy.
        return torch.mv(torch.from_numpy(self._values[: len(self._numbering)]), torch.from_numpy(query))
