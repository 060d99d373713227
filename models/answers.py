"""Recommendations as records, from the matrices that rank."""

from typing import NamedTuple

from models.batch import Bytes, Floats, Longs
from models.events import RankedItem
from models.names import Names
from models.ranking import Ranking
from models.recommender import SOURCES

__all__ = ["Ranked", "ranked_items"]


class Ranked(NamedTuple):
    """A `Ranking` on the host; item 0 is no item and ends its line."""

    items: Longs  # int64[B, K]
    scores: Floats  # float32[B, K]
    source: Bytes  # uint8[B, K]

    @classmethod
    def of(cls, ranking: Ranking) -> "Ranked":
        """Copy a ranking from its device."""
        return cls(*(column.cpu().numpy() for column in ranking))


def ranked_items(ranked: Ranked, names: Names) -> list[list[RankedItem]]:
    """Return the items of each line, best first."""
    lines = zip(ranked.items.tolist(), ranked.scores.tolist(), ranked.source.tolist(), strict=True)
    return [
        [
            RankedItem(name, score, SOURCES[source])
            for name, score, source in zip(names.of(filter(None, items)), scores, sources, strict=False)
        ]
        for items, scores, sources in lines
    ]
