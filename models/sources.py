"""The scorers of the product's blend, and what recommendations call them."""

from collections.abc import Collection
from typing import Final

from models.content import Content
from models.embedding import EmbeddingLearner
from models.nearest import Nearest
from models.opinions import PopularNow, RecentlySeen
from models.popularity import Popularity
from models.scorer import Scorer
from models.table import Table
from models.transitions import Transitions

__all__ = ["POPULAR", "SOURCES", "scorers"]

# Names of `Ranking.source`, in the order of `scorers`.
SOURCES: Final = ("embedding", "transitions", "recent", "popular", "content")
POPULAR: Final = SOURCES.index("popular")


def scorers(
    table: Table,
    embedding: EmbeddingLearner,
    popularities: tuple[Popularity, Popularity],
    content: Content,
    *,
    without: Collection[str] = (),
) -> list[Scorer]:
    """Return the scorers, but for some; all keep their state in the table.

    The first popularity is the one that lasts, the second the trend.
    """
    found: dict[str, Scorer] = {
        "embedding": Nearest(embedding, popularities[0]),
        "transitions": Transitions(table),
        "recent": RecentlySeen(),
        "popular": PopularNow(table, *popularities),
        "content": content,
    }
    return [scorer for name, scorer in found.items() if name not in without]
