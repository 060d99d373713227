"""Learners one after the other: the next fills the places that the one before left empty."""

from collections.abc import Sequence

import torch
from torch import Tensor

from models.context import Context
from models.examples import Examples
from models.learner import Learner
from models.ranking import Ranking, compact, is_among

__all__ = ["Chain"]


class Chain:
    """A Learner of Learners: their rankings in a row, repeats taken out.

    A score is comparable with the others of its line alone: those that fill up are moved below the ones
    before.

    Parameters
    ----------
    parts
        The first has the first places.
    sources
        What is added to ``source`` in the rankings of each part: what came before it.
    """

    def __init__(self, parts: Sequence[Learner], sources: Sequence[int] | None = None) -> None:
        self._parts = tuple(parts)
        self._sources = tuple(range(len(parts)) if sources is None else sources)

    def learn_many(self, examples: Examples) -> Tensor:
        """Teach each part; return the losses of the first."""
        first, *others = self._parts
        losses = first.learn_many(examples)
        for part in others:
            part.learn_many(examples)
        return losses

    def predict_many(self, context: Context, banned: Tensor, k: int) -> Ranking:
        """Return the first ``k`` distinct items of the parts' rankings, read in order."""
        ranking = self._parts[0].predict_many(context, banned, k)
        for part, source in zip(self._parts[1:], self._sources[1:], strict=True):
            if bool(ranking.items.all()):  # nearly always so: a look costs less than a ranking nobody needs
                break
            more = part.predict_many(context, banned, k)
            ranking = _fill(ranking, more._replace(source=more.source + source), k)
        return ranking


def _fill(ranking: Ranking, more: Ranking, k: int) -> Ranking:
    """Return the ranking with its empty places filled from ``more``, whose items stand once."""
    new = (more.items != 0) & ~is_among(more.items, ranking.items)  # bool[B, K]
    wanted = torch.cat([ranking.items != 0, new], dim=1)  # bool[B, 2 * K]
    more = more._replace(scores=more.scores - more.scores[:, :1] + _lowest(ranking, more.scores[:, :1]))
    columns = (torch.cat([first, then], dim=1) for first, then in zip(ranking, more, strict=True))
    return Ranking(*compact(wanted, k, *columns))


def _lowest(ranking: Ranking, otherwise: Tensor) -> Tensor:
    """Return the lowest score of each line, float32[B, 1], or another where it is empty."""
    lowest = ranking.scores.where(ranking.items != 0, torch.inf).amin(dim=1, keepdim=True)
    return torch.where(ranking.items[:, :1] != 0, lowest, otherwise)
