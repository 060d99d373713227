"""The product's model: what it ranks by, what fills up, and how well it and the baselines foresaw."""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from models.batch import Longs
from models.budget import Budget
from models.chain import Chain
from models.context import Context
from models.embedding import EmbeddingLearner, Hyperparameters
from models.exam import Exam
from models.examples import NOBODY, Examples
from models.metrics import Quality
from models.monitor import Foretold, Monitor
from models.negatives import Negatives
from models.product import Product
from models.ranking import Ranking
from models.recent import Recent
from models.row_forms import type_of_rows
from models.snapshot import Rows, Snapshot
from models.stock import Stock
from models.table import Table
from models.waiting import AtOnce, Waiting

__all__ = ["Recommender"]


class Recommender:
    """A Learner of Learners with its baselines: tests every example before it learns from it.

    Parameters
    ----------
    stock
        What the shop says of its items. Its limit is the most items that are learnt of as well, its device
        where all tensors live.
    seed
        Of all its random draws.
    is_rationed
        Whether its changes are asked for under a budget, for which it must remember what was published.
    without
        Scorers that are left out, by name: to see what they bring.

    Attributes
    ----------
    waiting
        What did not fit into a budget yet.
    product, embedding
        What it ranks by, and the learner of vectors in it.
    monitor
        Watches how it does.
    """

    def __init__(
        self,
        stock: Stock,
        seed: int,
        *,
        is_rationed: bool = False,
        without: Collection[str] = (),
    ) -> None:
        self.device = stock.device
        hyperparameters = Hyperparameters()
        columns = hyperparameters.columns | Product.COLUMNS
        self._table = table = Table(columns, stock.limit, stock.device, seed)
        self.embedding = EmbeddingLearner(table, seed, hyperparameters)
        self.product = Product(table, self.embedding, stock, without)
        popularity = self.product.popularity
        self.exam = Exam({"pop": popularity, "rep": Chain([Recent(), popularity])})
        self.monitor = Monitor()
        self.waiting = Waiting(self._table) if is_rationed else AtOnce(self._table)

    @property
    def version(self) -> int:
        """Steps taken so far: what a recommendation says it was made with."""
        return self._table.version

    @property
    def items(self) -> int:
        """Items that have a row."""
        return len(self._table)

    @property
    def quality(self) -> dict[str, Quality]:
        """The figures so far of the product and of each baseline."""
        return self.exam.quality

    def predict_many(self, context: Context, banned: Tensor, k: int) -> Ranking:
        """Return the best ``k`` items; the popular ones where nothing is known of the user."""
        return self.product.predict_many(context, banned, k)

    def popular(self, k: int) -> Tensor:
        """Return the popular-now list, int64[k] keys, 0 where there are fewer."""
        nobody = Context(*(self._here(np.zeros((1, 1), np.int64)) for _ in Context._fields))
        return self.product.popularity.predict_many(nobody, nobody.items, k).items[0]

    def test_many(self, examples: Examples) -> None:
        """Score the product by what was served, and each baseline by what it would serve now."""
        self.exam.test_many(examples)
        rows = self._table.find(examples.item)
        self.monitor.test_many(examples, self.product.popularity.shares_of_events(rows))

    def learn_many(self, examples: Examples) -> Tensor:
        """Learn from the examples of somebody; return the losses from before the step, float32[B]."""
        counts = examples.who != NOBODY
        losses = torch.zeros(len(counts), device=self.device)
        losses[counts] = self.product.learn_many(examples.take(counts.cpu().numpy()))
        heads = self.product.behaviour
        self.monitor.learn_many(Foretold(heads.foretold[0], heads.carts))
        return losses

    def rehearse_many(self, examples: Examples) -> None:
        """Learn vectors once more from examples that were learnt from."""
        self.embedding.rehearse_many(examples)

    def take_changes(self, budget: Budget | None = None) -> Snapshot:
        """Return what is new, all from this moment: copies on the host. What is beyond the budget waits."""
        changes = self.waiting.take(budget)
        columns = {name: column.cpu().numpy() for name, column in self._table.read(changes.rows).items()}
        rows, removed = Rows(columns.pop("key"), columns), changes.removed.cpu().numpy()
        return Snapshot(self.version, self._dense(), rows, removed, names=[])

    def snapshot(self) -> Snapshot:
        """Return all that it knows but for the negatives: copies on the host."""
        columns = {name: it.cpu().numpy() for name, it in self._table.read(self._table.live).items()}
        nothing = np.zeros(0, np.int64)
        return Snapshot(self.version, self._dense(), Rows(columns.pop("key"), columns), nothing, names=[])

    def follow(self, snapshot: Snapshot, *, quietly: bool = False) -> None:
        """Apply what another has learnt, but for the negatives; rows that are newer here stay.

        ``quietly`` the stock, which others share, is not told of the items.
        """
        self._table.evict(self._table.find(self._here(snapshot.removed)))
        key, columns = snapshot.rows
        if len(key):
            here = {name: self._here(column) for name, column in (*columns.items(), ("key", key))}
            self.waiting.note_published(self._table.write(here), snapshot.version)
            if not quietly:
                self.product.note_wanted(here["key"][here["version"].argsort()])
        if snapshot.dense and snapshot.version >= self.version:
            self._restore(snapshot.version, snapshot.dense)

    def succeed(self, champion: "Recommender") -> None:
        """Take the place of another: all is news to who follows, and what it alone knows is gone.

        What the other has seen of how well the served lists did counts on.
        """
        self._table.supersede(champion._table)  # noqa: SLF001 - one of its kind
        self.exam.restore(champion.exam.ranks)
        self.monitor.restore(champion.monitor.state)

    @property
    def row_type(self) -> "np.dtype[np.void]":
        """The type of one row as records of rows hold it."""
        columns = self._table.read(self._here(np.zeros(0, np.int64)))
        return type_of_rows({name: it.cpu().numpy() for name, it in columns.items() if name != "key"})

    @property
    def learnt(self) -> int:
        """Examples learnt from, by this recommender or one that it followed."""
        return self.embedding.seen

    @property
    def refused(self) -> int:
        """How often the gradient of a row was no number, and was left out."""
        return int(self.embedding.refused)

    @property
    def negatives(self) -> Negatives:
        """What negatives are drawn from: in no snapshot, as one who learns fills it from the examples."""
        return self.embedding.negatives

    def draw_from(self, items: Longs) -> None:
        """Draw negatives from the keys of items, int64[n], the newest last, and of no others."""
        self.negatives.clear()
        self.negatives.add(self._here(items))

    def _dense(self) -> dict[str, Any]:
        return {
            "complete": self.waiting.complete,
            "learnt": self.embedding.seen,
            **self.product.state,
            "ranks": self.exam.ranks,
            "monitor": self.monitor.state,
        }

    def _restore(self, version: int, dense: Mapping[str, Any]) -> None:
        self._table.version = version
        self.embedding.seen = dense["learnt"]
        self.product.restore(dense)
        self.exam.restore(dense["ranks"])
        self.monitor.restore(dense["monitor"])

    def _here(self, column: npt.NDArray[Any]) -> Tensor:
        return torch.from_numpy(column.copy()).to(self.device)
