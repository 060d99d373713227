"""implicit's alternating least squares: a baseline that is fitted anew now and then."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any, Final, NamedTuple

import numpy as np
import torch

from models.errors import ModelError
from models.factors import best
from models.numbering import Numbering
from models.refits import Refits

__all__ = ["LeastSquares", "PeerMissing"]

_FACTORS: Final = 64
_CONFIDENCE: Final = 10.0  # what an event adds
_SEED: Final = 1


class PeerMissing(ModelError):
    """A library of others that this was to be compared with, and which is not installed.

    Examples
    --------
    >>> print(PeerMissing("implicit"))
    implicit is not installed: pip install headrace[peers]
    """

    def __str__(self) -> str:
        return f"{self.args[0]} is not installed: pip install headrace[peers]"


class _Libraries(NamedTuple):
    """What the extra ``peers`` brings."""

    als: Any
    sparse: Any
    threads: Any


class LeastSquares:
    """implicit's `AlternatingLeastSquares` over the log so far, fitted anew when `Refits` says so.

    Each event adds to the confidence that the user wants the item. A user's vector is solved for from the
    history as it is now; items that came after the last fit are not known. Of five settings of size and
    confidence these foresaw most, on `rees46` and the first 15,000 events of `online_retail` together.

    (Hu, Koren and Volinsky, Collaborative Filtering for Implicit Feedback Datasets, ICDM 2008.)

    Raises
    ------
    PeerMissing
        Where implicit is not installed.
    """

    def __init__(self) -> None:
        self._libraries = _libraries()
        self._refits = Refits()
        self._users, self._items = Numbering(), Numbering()
        self._pairs: list[tuple[int, int]] = []  # places of user and item, an event each
        self._model: Any = None
        self._fitted = 0  # items of the last fit

    def learn(self, who: int, history: Sequence[int], item: int, ts: int) -> None:  # noqa: ARG002 - as all rivals
        """Note that a user had an item, and fit where it is time."""
        self._pairs.append((self._users.place(who), self._items.place(item)))
        if self._refits.due():
            self._fit()

    def rank(self, who: int, history: Sequence[int], k: int) -> list[int]:  # noqa: ARG002 - as all rivals
        """Return the best ``k`` items for a history, without its latest; none where it knows none of them."""
        had = self._items.places(history, below=self._fitted)
        if not had:
            return []
        counts = self._counts([(0, place) for place in had], users=1)
        user = self._model.recalculate_user(0, counts)  # float32[F]
        scores = torch.mv(torch.from_numpy(self._model.item_factors), torch.from_numpy(user))  # float32[n]
        return best(self._items.keys, scores, history[-1], k)

    def _fit(self) -> None:
        self._fitted = len(self._items)
        with self._libraries.threads.threadpool_limits(1, "blas"):  # else implicit warns that it is slow
            self._model = self._libraries.als.AlternatingLeastSquares(
                _FACTORS, alpha=_CONFIDENCE, num_threads=1, random_state=_SEED
            )
            self._model.fit(self._counts(self._pairs, len(self._users)), show_progress=False)

    def _counts(self, pairs: Sequence[tuple[int, int]], users: int) -> Any:
        """Return how often each pair is among them, a sparse float32[users, n]."""
        rows, columns = zip(*pairs, strict=True)
        ones = np.ones(len(pairs), np.float32)
        return self._libraries.sparse.csr_matrix((ones, (rows, columns)), shape=(users, self._fitted))


def _libraries() -> _Libraries:
    try:
        return _Libraries(*map(import_module, ("implicit.cpu.als", "scipy.sparse", "threadpoolctl")))
    except ModuleNotFoundError as error:
        raise PeerMissing("implicit") from error
