"""Recommendations as records, from the matrices that rank."""

from itertools import islice
from typing import Final, NamedTuple

import numpy as np

from models.batch import Bytes, Floats, Longs
from models.behaviour import Chances
from models.events import RankedItem
from models.names import Names
from models.ranking import Ranking
from models.sources import SOURCES

__all__ = ["Ranked", "ranked_items"]

_SOURCES: Final = np.array(SOURCES, dtype=object)


class Ranked(NamedTuple):
    """A `Ranking` on the host, and what views of its items lead to; item 0 is no item and ends its line."""

    items: Longs  # int64[B, K]
    scores: Floats  # float32[B, K]
    source: Bytes  # uint8[B, K]
    p_cart: Floats | None = None  # float32[B, K]; None where no view has been learnt from
    p_purchase: Floats | None = None  # float32[B, K], likewise

    @classmethod
    def of(cls, ranking: Ranking, chances: Chances | None = None) -> "Ranked":
        """Copy a ranking, and the chances of its items, from their device."""
        return cls(*(column.cpu().numpy() for column in (*ranking, *(chances or ()))))


def ranked_items(ranked: Ranked, names: Names) -> list[list[RankedItem]]:
    """Return the items of each line, best first.

    What a user did last may be known of a profile, and its name not yet here: after a start, for a moment.
    Such an item is left out.
    """
    there = ranked.items != 0  # bool[B, K]
    unknown = names.unknown(ranked.items[there].tolist())
    if unknown:
        there &= ~np.isin(ranked.items, list(unknown))
    found = map(
        RankedItem,
        names.of(ranked.items[there].tolist()),
        ranked.scores[there].tolist(),
        _SOURCES[ranked.source[there]].tolist(),
        *(column[there].tolist() for column in (ranked.p_cart, ranked.p_purchase) if column is not None),
    )
    return [list(islice(found, count)) for count in there.sum(axis=1).tolist()]
