"""What is watched of a model: whether it misses more, foretells wrongly, or meets other items than usual."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from models.batch import ACTIONS, CODE_OF, IS_ORDER, Bools
from models.drift import Alarm, DriftDetector
from models.events import Action
from models.examples import Examples
from models.metrics import MISSED, NOT_SCORED

__all__ = ["SIGNALS", "Foretold", "Monitor"]

_IS_CART: Final = np.isin(np.arange(len(ACTIONS) + 1), [CODE_OF[Action.ADD_TO_CART]])
# Whose misses are told apart, by code: a model may lose its buyers and keep those who look around.
_KINDS: Final[Mapping[str, Bools]] = {
    "missed_views": ~(IS_ORDER | _IS_CART),
    "missed_carts": _IS_CART,
    "missed_orders": IS_ORDER,
}
SIGNALS: Final = (*_KINDS, "carts_foretold_too_few", "carts_foretold_too_many", "unusual_items")
# A share of all events from which an item is usual, in bits: below 2^-20 nothing is less usual.
_RAREST_BITS: Final = 20.0


class Foretold(NamedTuple):
    """How likely carts were at V views, float32[V], and how many came meanwhile."""

    carts: Tensor
    came: int


class Monitor:
    """A `DriftDetector` for each thing that can go wrong, fed with what is tested and learnt anyway.

    ==========================  =======================================================================
    signal                      what is low while all is well
    ==========================  =======================================================================
    missed_views, _carts,       whether an event was missed: not in the list that was served, by kind
    _orders
    carts_foretold_too_few      0.5 where as many carts come as are foretold, up to 1 where more come
    carts_foretold_too_many     0.5 where as many carts come as are foretold, up to 1 where fewer come
    unusual_items               how rare an item was before its event: minus log2 of its share of all
                                events, over 20
    ==========================  =======================================================================

    The ``window`` of its alarms is in examples: how many have come since the change, by and large. Carts that
    are foretold wrongly move little of what is watched while they are rare: of views of which a twentieth
    leads to the cart, ten times as many as come are noticed in the first days, four times as many are not.
    """

    def __init__(self) -> None:
        self._tested = 0
        self._detectors = {name: DriftDetector(name) for name in SIGNALS}
        self._raised: list[Alarm] = []
        self._ts = 0  # the time in the middle of what was tested last, in milliseconds since the Unix epoch
        self._is_new = False  # what is learnt next

    def test_many(self, examples: Examples, shares: Tensor) -> None:
        """Take in B examples, and the shares of all events that their items had before, float32[B]."""
        ts, action, rank = (it.cpu().numpy() for it in (examples.ts, examples.action, examples.rank))
        if not len(ts):
            return
        self._is_new, self._tested = True, self._tested + len(ts)
        self._ts = int(np.median(ts))  # of a late event, or a wrong clock, nothing is to be told
        scored, missed = rank != NOT_SCORED, (rank == MISSED).astype(np.float64)
        for name, codes in _KINDS.items():
            chosen = scored & codes[action]  # bool[B]
            self._update(name, missed[chosen])
        rare = -torch.log2(shares.clamp(min=2**-_RAREST_BITS)) / _RAREST_BITS
        self._update("unusual_items", rare.cpu().numpy().astype(np.float64))

    def learn_many(self, foretold: Foretold) -> None:
        """Take in what was foretold of the views of what was tested last, and what came of earlier ones.

        What is learnt without a test was told of before, or is of one who serves nobody.
        """
        if not self._is_new:
            return
        self._is_new = False
        chances = foretold.carts.cpu().numpy().astype(np.float64)
        for name, way in (("carts_foretold_too_few", 1.0), ("carts_foretold_too_many", -1.0)):
            values = np.concatenate([1 - way * chances, np.full(foretold.came, 1 + way)]) / 2
            self._update(name, values)

    @property
    def levels(self) -> dict[str, float]:
        """The mean of late of each signal that has a value."""
        return {name: detector.level for name, detector in self._detectors.items() if detector.count}

    def take_alarms(self) -> list[Alarm]:
        """Return what was noticed since the last call."""
        raised, self._raised = self._raised, []
        return raised

    def _update(self, name: str, values: npt.NDArray[np.float64]) -> None:
        values = values[np.isfinite(values)]  # of a model that foretells nothing nothing is learnt
        if not len(values):
            return
        detector = self._detectors[name]
        raised = detector.update_many(self._ts, values)
        examples = self._tested / max(detector.count, 1)  # for each value
        self._raised += [alarm._replace(window=round(alarm.window * examples)) for alarm in raised]

    @property
    def state(self) -> dict[str, Any]:
        """What is known, of types that msgpack has."""
        detectors = {name: detector.state for name, detector in self._detectors.items()}
        return {"tested": self._tested, "ts": self._ts, "detectors": detectors}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""
        self._tested, self._ts = state["tested"], state["ts"]
        for name, detector in self._detectors.items():
            detector.restore(state["detectors"][name])
