"""What keeps a model from serving, however well it foresees: its answers must be sound."""

from typing import Final

import numpy as np
import torch

from models.batch import Longs
from models.context import Context
from models.errors import ModelError
from models.metrics import K
from models.monitor import Foretold
from models.recommender import Recommender

__all__ = ["Soundness", "Unfit", "fault_of", "require_finite"]

# Different items in all lists, for each one that an event was about: on a made-up shop and on retailrocket
# there are as many and more, of a model that shows the same to everybody only twenty in all.
_LEAST_COVERAGE: Final = 0.2
# Carts foretold for each one that came; of fewer than so many of both nothing is to be told.
_CARTS: Final = (0.5, 2.0)
_LEAST_CARTS: Final = 100


class Unfit(ModelError):
    """A model that must not serve, and why."""


class Soundness:
    """What a model on trial serves and foretells, all of it together.

    Coverage is how many different items its lists hold, by how many different ones the events are about
    (after Ge et al., Beyond Accuracy: Evaluating Recommender Systems by Coverage and Serendipity, RecSys
    2010). Calibration in the large is how many carts it foretells, by how many come.
    """

    def __init__(self) -> None:
        self._listed, self._met = set[int](), set[int]()
        self._foretold, self._came = 0.0, 0

    def update_many(self, lists: Longs, items: Longs) -> None:
        """Take in the lists made after B events, int64[B, K], and their items, int64[B]."""
        self._listed.update(np.unique(lists).tolist())
        self._met.update(items.tolist())

    def update_carts(self, foretold: Foretold) -> None:
        """Take in what was foretold of views, and how many carts came meanwhile."""
        self._foretold += float(foretold.carts.sum())
        self._came += foretold.came

    @property
    def coverage(self) -> float:
        """Items listed for each item met; 0 is no item."""
        return len(self._listed - {0}) / max(len(self._met), 1)

    @property
    def carts(self) -> float:
        """Carts foretold for each that came; 1 where there are too few to tell, 0 of what is not finite."""
        if not np.isfinite(self._foretold):
            return 0.0
        is_known = max(self._foretold, self._came) >= _LEAST_CARTS
        return self._foretold / max(self._came, 1) if is_known else 1.0


def fault_of(coverage: float, carts: float) -> str:
    """Return what is wrong with the figures of a `Soundness`, "" where nothing is.

    Examples
    --------
    >>> fault_of(1.7, 0.9), fault_of(1.7, 2.5)
    ('', 'it foretells 2.50 carts for each that comes')
    """
    if coverage < _LEAST_COVERAGE:
        return f"its lists hold only {coverage:.2f} items for each that events are about"
    if not _CARTS[0] <= carts <= _CARTS[1]:
        return f"it foretells {carts:.2f} carts for each that comes"
    return ""


def require_finite(model: Recommender, context: Context) -> None:
    """Check the rows, the blend's weights, and the lists and chances that a model makes for n contexts.

    Raises
    ------
    Unfit
        If not all of these are finite.
    """
    whole = model.snapshot()
    blend = np.frombuffer(whole.dense["blend"]["weights"], np.float32)
    if not all(np.isfinite(numbers).all() for numbers in (blend, *whole.rows.columns.values())):
        raise Unfit("what it has learnt is not all finite")
    ranking = model.predict_many(context, context.items[:, :1], K)
    chances = model.product.behaviour.predict_many(context, ranking.items)
    if not all(bool(torch.isfinite(it).all()) for it in (ranking.scores, *chances)):
        raise Unfit("the scores or chances of its lists are not all finite")
