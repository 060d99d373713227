"""The blend: what its scorers say of every candidate, weighed by what has turned out to tell."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import torch
from torch import Tensor

from models.adam import Adam
from models.circumstances import CIRCUMSTANCES, circumstances
from models.context import Context
from models.examples import Examples
from models.ranking import NO_SCORE, Ranking, best, is_among
from models.scorer import Known, Scorer
from models.shortlists import shortlists
from models.table import Table
from models.unavailable import Unavailable

__all__ = ["Blend"]

# Lists of a step that the weights learn from.
_LISTS: Final = 64
_RATE: Final = 0.02


class _Case(NamedTuple):
    """B lines of candidates as the weights see them."""

    items: Tensor  # int64[B, C] keys of the candidates, 0 where there is none
    named: Tensor  # bool[scorers, B, C], who named it
    columns: Tensor  # float32[F, B, C]
    circumstances: Tensor  # float32[B, G]


class Blend:
    """A Learner over scorers: a linear score whose weights depend on the circumstances, learnt online.

    The score of a candidate with columns x for a user in circumstances g is g W x; the weights W descend the
    cross-entropy of what came next among the candidates (ListNet: Cao et al., Learning to Rank: From Pairwise
    Approach to Listwise Approach, ICML 2007) by Adam.

    Parameters
    ----------
    table
        Of all scorers.
    scorers
        What is blended, in the order in which they learn. Its place is an item's ``source``.
    unavailable
        Items that no list may hold.
    """

    def __init__(
        self, table: Table, scorers: Sequence[Scorer], unavailable: Unavailable | None = None
    ) -> None:
        self._table = table
        self._unavailable = unavailable or Unavailable(table.device)
        self._scorers = scorers
        self._weights = torch.zeros(CIRCUMSTANCES, sum(len(it.prior) for it in scorers), device=table.device)
        self._weights[0] = torch.tensor([weight for it in scorers for weight in it.prior])  # float32[G, F]
        self._adam = Adam(self._weights, _RATE)

    def learn_many(self, examples: Examples) -> Tensor:
        """Weigh anew by what came next, then teach each scorer; return the losses of the first."""
        self._weigh(examples)
        self._table.admit(examples.item)
        losses = [scorer.learn_many(examples) for scorer in self._scorers]
        return losses[0]

    def predict_many(self, context: Context, banned: Tensor, k: int) -> Ranking:
        """Return the best ``k`` candidates; there may be fewer."""
        case = self._case(context, banned)
        case = case._replace(items=case.items.masked_fill(self._unavailable.among(case.items), 0))
        weights = case.circumstances @ self._weights  # float32[B, F]
        scores = self._scores(case, weights)
        values, places = best(scores, min(k, scores.shape[1]))
        items = case.items.gather(1, places)
        found = Ranking(items, values.where(values > NO_SCORE, 0.0), self._sources(case, weights, places))
        return Ranking(*(_widened(column, k) for column in found))

    def _case(self, context: Context, banned: Tensor) -> _Case:
        known = Known.of(context, self._table)
        lists = shortlists([scorer.propose(known) for scorer in self._scorers], self._table)
        columns = [
            column
            for scorer, shortlist in zip(self._scorers, lists, strict=True)
            for column in scorer.columns(known, shortlist)
        ]
        items, named = lists[0].items, torch.stack([shortlist.named for shortlist in lists])
        refused = is_among(items, banned) | ~named.any(dim=0) | (context.items[:, :1] == 0)
        return _Case(
            items=items.masked_fill(refused, 0),
            named=named,
            columns=torch.stack(columns),
            circumstances=circumstances(known, self._table),
        )

    def _scores(self, case: _Case, weights: Tensor) -> Tensor:
        """Return float32[B, C]."""
        scores = torch.einsum("bf,fbc->bc", weights, case.columns)
        return scores.masked_fill_(case.items == 0, NO_SCORE)

    def _sources(self, case: _Case, weights: Tensor, places: Tensor) -> Tensor:
        """Return who of those that named it speaks most for each place, beside the average, uint8[B, K]."""
        there = (case.items != 0).to(torch.float32)  # float32[B, C]
        average = torch.einsum("bc,fbc->fb", there, case.columns) / there.sum(dim=1).clamp(min=1)
        columns = case.columns.gather(2, places.expand(len(case.columns), -1, -1))  # float32[F, B, K]
        said = (columns - average[:, :, None]) * weights.T[:, :, None]
        parts = torch.split(said, [len(scorer.prior) for scorer in self._scorers])
        said = torch.stack([part.sum(dim=0) for part in parts])  # float32[scorers, B, K]
        named = case.named.gather(2, places.expand(len(case.named), -1, -1))
        return said.masked_fill(~named, NO_SCORE).max(dim=0).indices.to(torch.uint8)  # argmax is slower

    def _weigh(self, examples: Examples) -> None:
        """Take a step on what the weights would have ranked before some of the examples."""
        chosen = examples.teaches.nonzero().squeeze(1)
        if not len(chosen):
            return
        if len(chosen) > _LISTS:  # the newest among them
            places = torch.arange(1, _LISTS + 1, device=chosen.device) * len(chosen) // _LISTS - 1
            chosen = chosen[places]
        context = examples.context.take(chosen)
        case = self._case(context, context.items[:, :1])
        hit = case.items == examples.item[chosen, None]  # bool[B, C]
        found = hit.any(dim=1, keepdim=True)
        scores = self._scores(case, case.circumstances @ self._weights)
        slope = torch.where(found, scores.softmax(dim=1) - hit.to(torch.float32), 0)  # float32[B, C]
        by_line = torch.einsum("bc,fbc->bf", slope, case.columns)
        count = found.sum().clamp(min=1)
        self._adam.descend(case.circumstances.T @ by_line / count)

    @property
    def state(self) -> dict[str, Any]:
        """The weights and their optimizer's state, of types that msgpack has."""
        return self._adam.state

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self._adam.restore(state)


def _widened(column: Tensor, k: int) -> Tensor:
    return torch.cat([column, column.new_zeros(len(column), k - column.shape[1])], dim=1)
