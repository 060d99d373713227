"""Which baselines an evaluation runs beside the product and its own two, popularity and own recent items."""

from collections.abc import Callable, Mapping
from typing import Final

from models.biased_factors import BiasedFactors
from models.incremental_factors import IncrementalFactors
from models.least_squares import LeastSquares
from models.rivals import Rival
from models.self_attention import SelfAttention
from models.sequential_rules import SequentialRules
from models.session_neighbours import SessionNeighbours

__all__ = ["BASELINES"]

_USUAL: Final[Mapping[str, Callable[[], Rival]]] = {
    "sr": SequentialRules,
    "vmis": SessionNeighbours,
    "biased_mf": BiasedFactors,
}
# ISGD reads 200 numbers an item to rank: 2 ms an event at 30,000 items. The others are fitted now and then.
_SLOW: Final[Mapping[str, Callable[[], Rival]]] = {
    "isgd": IncrementalFactors,
    "als": LeastSquares,
    "sasrec": SelfAttention,
}

# By what `--baselines` says: makers of each, by name.
BASELINES: Final[Mapping[str, Mapping[str, Callable[[], Rival]]]] = {
    "fast": {},
    "usual": _USUAL,
    "all": {**_USUAL, **_SLOW},
}
