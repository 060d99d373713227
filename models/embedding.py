"""The embedding learner: one vector an item, learnt from what follows what, one step a batch."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import embedding_bag

from models.context import Context
from models.examples import Examples
from models.losses import NEVER_DRAWN, Candidates, sampled_softmax
from models.negatives import Negatives
from models.ranking import NO_SCORE, Ranking, top_k
from models.scorer import LATEST_ITEMS
from models.table import Column, Table

__all__ = ["EmbeddingLearner", "Hyperparameters"]

# What each step of an item leaves of the squares before it, so that none freezes. Beside 1 it changes nothing
# on five logs, and gains 0.1 to 0.3 % of the hit rate of a made-up shop after its tastes have changed; 0.99
# loses 0.2 % on the logs.
_FORGETS: Final = 0.999
_TINY: Final = 1e-6  # keeps 0/0 apart; far below any squared gradient that matters
# No vector grows longer; on five logs none comes to a third of it. A step is no longer than the learning rate
# times the root of the dimensions, by Adagrad alone.
_LONGEST: Final = 16.0


class Hyperparameters(NamedTuple):
    """What the learner is made of; one setting for all shops.

    Chosen on `yoochoose` and `rees46` together (`headrace evaluate`), where halving or doubling any of
    them loses less than 0.01 of the hit rate.
    """

    dimensions: int = 64
    learning_rate: float = 0.15
    # Items of the context that speak, the n-th of them with weight 0.6^n.
    horizon: int = 8
    decay: float = 0.6
    first_spread: float = 0.1
    negatives: int = 256
    # Of how many of the last items.
    drawn_from: int = 20_000

    @property
    def columns(self) -> dict[str, Column]:
        """What a row keeps: its vector, the optimizer's state, how often it was learnt from."""
        weight = Column((self.dimensions,), spread=self.first_spread)
        return {"weight": weight, "square": Column(), "count": Column()}


class EmbeddingLearner:
    """Items as vectors, a user as the decayed sum of their last items' vectors, scored by inner product.

    The same table embeds what was seen and what comes next (tied), and each pair is learnt in both
    directions. Sampled softmax with the logQ correction, by counts of all events, as decayed ones lose 0.3 %
    of the hit rate; row-wise Adagrad that forgets (one state a row: Mudigere et al., Software-Hardware
    Co-design for Fast and Scalable Training of Deep Learning Recommendation Models, ISCA 2022).

    Parameters
    ----------
    table
        Has `Hyperparameters.columns`; others may keep theirs in the same rows.
    seed
        Of negatives: with the number of a step it gives the step's draws, so that no random state has to be
        kept.
    hyperparameters
        See `Hyperparameters`.

    Attributes
    ----------
    negatives
        The items that taught last.
    seen
        Examples learnt from.
    refused
        int64, how often the gradient of a row was no number, and was left out.
    decays
        float32[L], what each item of a context weighs in its user's vector, newest first.
    """

    def __init__(self, table: Table, seed: int, hyperparameters: Hyperparameters) -> None:
        self._hyper = hyper = hyperparameters
        if hyper.horizon > LATEST_ITEMS:
            raise ValueError(f"a horizon of {hyper.horizon} items: the rows of {LATEST_ITEMS} are looked up")
        self.table = table
        self._seed = seed
        self._generator = torch.Generator()
        self.negatives = Negatives(hyper.drawn_from, table.device)
        decays = hyper.decay ** torch.arange(hyper.horizon, dtype=torch.float32)
        self.decays = decays.to(table.device)  # float32[L]
        self.seen, self.refused = 0, torch.zeros((), dtype=torch.int64, device=table.device)

    def learn_many(self, examples: Examples) -> Tensor:
        """Admit the items, and take one step on the examples that teach."""
        self.table.version += 1
        rows = self.table.admit(examples.item)  # int64[B]
        self.table["count"].index_add_(0, rows, torch.ones_like(rows, dtype=torch.float32))
        self.table["count"][0] = 0  # where items beyond the limit were counted
        self.table.touch(rows)
        self.seen += len(rows)
        self.negatives.add(examples.item[examples.teaches])
        return self._learn(examples, rows)

    def rehearse_many(self, examples: Examples) -> Tensor:
        """Take another step on examples that were learnt from; nothing is counted twice."""
        self.table.version += 1
        return self._learn(examples, self.table.find(examples.item))

    def _learn(self, examples: Examples, rows: Tensor) -> Tensor:
        """Take a step on the examples that teach, with their items' rows, int64[B]."""
        context = self.table.find(examples.context.items[:, : self._hyper.horizon])  # int64[B, L]
        losses = torch.zeros(len(rows), device=rows.device)
        whole = (context[:, 0] != 0) & (rows != 0)  # bool[B]: not so where the latest item was evicted
        if whole.any():
            losses[whole] = self._step(context[whole], rows[whole])
        return losses

    def predict_many(self, context: Context, banned: Tensor, k: int) -> Ranking:
        """Return the nearest items; all places are empty for a context without a known item."""
        rows = self.table.find(context.items[:, : self._hyper.horizon])  # int64[B, L]
        users = self.users(rows)  # float32[B, D]
        scores, best = top_k(users, self.table["weight"], self.table.find(banned), k)
        known = rows.any(dim=1, keepdim=True) & (scores > NO_SCORE)  # bool[B, k]
        items = torch.where(known, self.table["key"][best], 0)
        return Ranking(items, torch.where(items != 0, scores, 0), torch.zeros_like(items, dtype=torch.uint8))

    def users(self, rows: Tensor) -> Tensor:
        """Return vectors of users, float32[B, D], by the rows of their items, int64[B, L], newest first."""
        latest = rows[:, : self._hyper.horizon]  # row 0 is the zero vector
        decays = self.decays[: latest.shape[1]].expand(latest.shape)
        return embedding_bag(latest, self.table["weight"], mode="sum", per_sample_weights=decays)

    def _step(self, context: Tensor, item: Tensor) -> Tensor:
        """Take one step on items, int64[n], that follow others, int64[n, L], newest first, all by their rows.

        Return the losses from before it, float32[n]. They are those of the item after the context; the latest
        item after the item is learnt as well.
        """
        self._generator.manual_seed(hash((self._seed, self.table.version)))
        drawn = self.table.find(self.negatives.draw(self._hyper.negatives, self._generator))
        rows = context, context[:, 0], item, drawn
        before = self.table.take("weight", context).requires_grad_()  # float32[n, L, D]
        latest, items, negatives = (self._candidates(them) for them in rows[1:])
        users = self.decays[: context.shape[1]] @ before  # float32[n, D]
        forward = sampled_softmax(users, items, negatives)
        backward = sampled_softmax(items.weights, latest, negatives)
        weights = before, latest.weights, items.weights, negatives.weights
        self._descend(rows, torch.autograd.grad((forward + backward).sum(), weights))
        return forward.detach()

    def _candidates(self, rows: Tensor) -> Candidates:
        """Return rows, int64[C], with weights that have a gradient."""
        chance = self.table.take("count", rows).clamp(min=1) / self.seen
        log_chance = torch.where(rows == 0, NEVER_DRAWN, torch.log(chance))
        return Candidates(rows, self.table.take("weight", rows).requires_grad_(), log_chance)

    def _descend(self, rows: Sequence[Tensor], slopes: Sequence[Tensor]) -> None:
        """Take a step by slopes, float32[..., D], of vectors of rows, int64[...]; rows may repeat."""
        touched, place = torch.unique(torch.cat([it.reshape(-1) for it in rows]), return_inverse=True)
        gradient = slopes[0].new_zeros(len(touched), self._hyper.dimensions)
        gradient.index_add_(0, place, torch.cat([it.flatten(0, -2) for it in slopes]))
        is_number = gradient.isfinite().all(dim=1)
        self.refused += (~is_number).sum()
        gradient = gradient.where(is_number[:, None], 0)
        square = _FORGETS * self.table.take("square", touched) + gradient.square().mean(dim=1)
        self.table["square"][touched] = square
        step = gradient * (self._hyper.learning_rate / (square.sqrt() + _TINY))[:, None]
        weight = self.table.take("weight", touched) - step
        length = weight.norm(dim=1, keepdim=True)
        self.table["weight"][touched] = weight * (_LONGEST / length.clamp(min=_LONGEST))
        self.table["weight"][0] = 0  # padding has a gradient too
        self.table["square"][0] = 0
        self.table.touch(touched)
