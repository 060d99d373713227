"""Rankings as matrices of item keys, and the batched list algebra on them."""

from typing import Final, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

__all__ = ["NO_SCORE", "Ranking", "best", "compact", "highest", "is_among", "ordered", "top_k"]

NO_SCORE: Final = float("-inf")
# The score matrix is cut by queries so that it stays in 64 MiB, whatever the catalog's size.
_MAX_SCORES: Final = 1 << 24
# It is quicker to look through the highest of piles of 8, then through the best piles, where those are few.
_PILE: Final = 8
_FEW: Final = 1 / 4
# Up to so many in a line numpy sorts all of them sooner than torch finds the best, and by integers.
_NARROW: Final = 256
_INDEX_BITS: Final = 32


class Ranking(NamedTuple):
    """Items for B users, best first; item 0 fills the places that nothing was found for.

    ``source`` holds the place of the scorer in the recommender's list of sources.
    """

    items: Tensor  # int64[B, K] keys
    scores: Tensor  # float32[B, K]
    source: Tensor  # uint8[B, K]


def compact(wanted: Tensor, k: int, *columns: Tensor) -> list[Tensor]:
    """Return each column with the wanted entries of a line moved to its front, the first ``k``, then zeros.

    Parameters
    ----------
    wanted
        bool[B, M].
    k
        The width of what is returned: [B, k].
    columns
        Of any dtype, [B, M].

    Examples
    --------
    >>> compact(torch.tensor([[False, True, True]]), 3, torch.tensor([[5, 6, 7]]))[0].tolist()
    [[6, 7, 0]]
    """
    place = wanted.cumsum(dim=1) - 1  # int64[B, M]
    place = torch.where(wanted & (place < k), place, k)  # what is not wanted meets in one place past the end
    shape = (len(wanted), k + 1)
    return [column.new_zeros(shape).scatter_(1, place, column)[:, :k] for column in columns]


def is_among(items: Tensor, others: Tensor) -> Tensor:
    """Return which of a line's items (int64[B, M]) are among its others (int64[B, X]), bool[B, M]."""
    found = torch.zeros_like(items, dtype=torch.bool)
    for other in others.unbind(dim=1):
        found |= items == other[:, None]
    return found


def top_k(queries: Tensor, weights: Tensor, banned: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Return the scores (float32[B, k]) and rows (int64[B, k]) of the best rows by inner product, exactly.

    Parameters
    ----------
    queries
        float32[B, D].
    weights
        float32[N, D], one row an item.
    banned
        int64[B, X] rows that a query must not get; row 0 is never given.
    k
        How many; with fewer allowed rows the rest has score `NO_SCORE`.
    """
    most = min(k, len(weights))
    lines = max(1, _MAX_SCORES // len(weights))
    found = [
        highest(
            (part @ weights.T).scatter_(1, refused, NO_SCORE).index_fill_(1, _row_zero(weights), NO_SCORE),
            most,
        )
        for part, refused in zip(torch.split(queries, lines), torch.split(banned, lines), strict=True)
    ]
    missing = 0, k - most
    scores = pad(torch.cat([values for values, _ in found]), missing, value=NO_SCORE)
    return scores, pad(torch.cat([indices for _, indices in found]), missing)


def ordered(lines: Tensor) -> tuple[Tensor, Tensor]:
    """Return the entries of each line, int64[B, N], in ascending order, and where each stood, int64[B, N].

    Equal ones stand in any order. On CPU by numpy, which sorts integers three times as quickly.
    """
    if lines.device.type != "cpu":
        values, order = lines.sort(dim=1)
        return values, order
    order = torch.from_numpy(np.argsort(lines.numpy(), axis=1))
    return lines.gather(1, order), order


def highest(scores: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Return the k highest of each line and their places, in order, [B, k] each, from float32[B, N].

    The columns are dealt to M piles of 8: the best k lie in those k piles whose highest is best, which are
    found in the same way.
    """
    rows, piles = scores.shape[1], scores.shape[1] // _PILE
    if k >= piles * _FEW:
        return best(scores, k)
    dealt = scores[:, : piles * _PILE].view(len(scores), _PILE, piles)  # float32[B, 8, M]
    chosen = highest(dealt.amax(dim=1), k)[1]  # int64[B, k]
    places = (chosen[:, None] + piles * torch.arange(_PILE, device=chosen.device)[:, None]).flatten(1)
    rest = torch.arange(piles * _PILE, rows, device=chosen.device).expand(len(scores), -1)
    places = torch.cat([places, rest], dim=1)  # int64[B, 8 * k + fewer than 8]
    values, indices = best(scores.gather(1, places), k)
    return values, places.gather(1, indices)


def best(scores: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Return the k highest of each line and their places, in order, [B, k] each, from float32[B, N].

    On CPU, where lines are narrow, equal ones stand in the order of their places, and one that is no number
    before all others.

    Examples
    --------
    >>> best(torch.tensor([[1.0, -3.0, 2.0, 1.0]]), 3)[1].tolist()
    [[2, 0, 3]]
    """
    if not scores.is_cpu or scores.shape[1] > _NARROW:
        top = scores.topk(k)
        return top.values, top.indices
    bits = (scores.float() + 0.0).view(torch.int32)  # -0 becomes 0
    ordinal = bits ^ ((bits >> 31) & 0x7FFFFFFF)  # int32[B, N], in the order of the floats
    last = scores.shape[1] - 1
    packed = (ordinal.long() << _INDEX_BITS) | (last - torch.arange(last + 1))  # int64[B, N]
    packed.numpy().sort(axis=1)
    places = last - (packed[:, last + 1 - k :].flip(1) & ((1 << _INDEX_BITS) - 1))
    return scores.gather(1, places), places


def _row_zero(weights: Tensor) -> Tensor:
    return torch.zeros(1, dtype=torch.int64, device=weights.device)
