"""The scorers of the product's blend, and what recommendations call them."""

from collections.abc import Collection
from typing import ClassVar, Final

from torch import Tensor

from models.content import Content
from models.embedding import EmbeddingLearner
from models.nearest import Nearest
from models.opinions import PopularNow, RecentlySeen
from models.popularity import Popularity
from models.scorer import Known, Proposal, Scorer, Shortlist
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
    return [_Mute(scorer) if name in without else scorer for name, scorer in found.items()]


class _Mute:
    """A scorer that goes on learning, since others use what it counts, and says nothing."""

    prior: ClassVar[tuple[float, ...]] = ()

    def __init__(self, scorer: Scorer) -> None:
        self.learn_many = scorer.learn_many

    def propose(self, known: Known) -> Proposal:
        return Proposal(known.context.items[:, :0])

    def columns(self, _known: Known, _shortlist: Shortlist) -> list[Tensor]:
        return []
