"""What the product ranks by: the blend of all scorers, filled up with what is popular."""

from collections.abc import Collection, Mapping
from typing import Any, ClassVar, Final

from torch import Tensor

from models.behaviour import Behaviour
from models.blend import Blend
from models.chain import Chain
from models.content import Content
from models.context import Context
from models.conversions import conversions_of
from models.embedding import EmbeddingLearner
from models.examples import Examples
from models.objective import Aimed, Objective
from models.popularity import TREND, Popularity
from models.ranking import Ranking
from models.sources import POPULAR, scorers
from models.stock import Stock
from models.table import Table
from models.transitions import Transitions

__all__ = ["Product"]

# Popular items that are kept in order: content proposes from all of them, where half as many cost 0.7 % of
# the hit rate of one log. 1,000 may be asked for, 33 be banned.
_POPULAR: Final = 2048
# The trend is measured, not proposed from: its first item is what others are compared with.
_TRENDING: Final = 1


class Product:
    """A Learner of Learners.

    Parameters
    ----------
    table
        Has the columns of all of them, `COLUMNS` among them.
    embedding
        The learner of vectors.
    stock
        What the shop says of its items.
    without
        Scorers that are left out, by name.

    Attributes
    ----------
    popularity
        Knows what is popular.
    behaviour
        Knows what views lead to.
    """

    COLUMNS: ClassVar = Popularity.COLUMNS | Transitions.COLUMNS | Behaviour.COLUMNS

    def __init__(
        self, table: Table, embedding: EmbeddingLearner, stock: Stock, without: Collection[str] = ()
    ) -> None:
        self.popularity = Popularity(table, _POPULAR, stock.unavailable)
        self._trend = Popularity(table, _TRENDING, stock.unavailable, TREND)
        self._stock = stock
        self._content = Content(table, self.popularity, stock)
        popularities = self.popularity, self._trend
        parts = scorers(table, embedding, popularities, self._content, without=without)
        self._blend = Blend(table, parts, stock.unavailable)
        self.behaviour = Behaviour(table, embedding)
        self.aim_at(Objective.VIEW)

    def aim_at(self, objective: Objective) -> None:
        """Rank by what lists are to bring about."""
        aimed = Aimed(self._blend, self.behaviour, objective)
        self._chain = Chain([aimed, self.popularity], sources=(0, POPULAR))

    def predict_many(self, context: Context, banned: Tensor, k: int) -> Ranking:
        """Return the best ``k`` items; the popular ones where nothing is known of the user."""
        return self._chain.predict_many(context, banned, k)

    def learn_many(self, examples: Examples) -> Tensor:
        """Learn from the examples; return their losses from before the step, float32[B]."""
        lines = conversions_of(examples)
        self.behaviour.learn_many(lines)
        losses = self._blend.learn_many(examples)
        for popularity in (self.popularity, self._trend):
            popularity.learn_many(examples)
        self.behaviour.count_many(lines)
        return losses

    def note_wanted(self, items: Tensor) -> None:
        """Take note that others have learnt of items, int64[n], the latest last."""
        self._stock.show(items)

    def note_withheld(self) -> None:
        """Take note that other items are unavailable than before."""
        for popularity in (self.popularity, self._trend):
            popularity.rank()

    @property
    def state(self) -> dict[str, Any]:
        """What is in no row, of types that msgpack has."""
        return {
            "popular": self.popularity.seen,
            "trend": self._trend.seen,
            "blend": self._blend.state,
            "content": self._content.state,
            "behaviour": self.behaviour.state,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state, and what the table holds."""
        self.popularity.restore(state["popular"])
        self._trend.restore(state["trend"])
        self._blend.restore(state["blend"])
        self._content.restore(state["content"])
        self.behaviour.restore(state["behaviour"])
