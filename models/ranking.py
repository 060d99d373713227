"""Rankings as matrices of item keys, and the batched list algebra on them."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

__all__ = ["NO_SCORE", "Ranking", "first_distinct", "top_k"]

NO_SCORE = float("-inf")
# The score matrix is cut by queries so that it stays in 64 MiB, whatever the catalog's size.
_MAX_SCORES = 1 << 24


class Ranking(NamedTuple):
    """Items for B users, best first; item 0 fills the places that nothing was found for.

    ``source`` holds the place of the scorer in the recommender's list of sources.
    """

    items: Tensor  # int64[B, K] keys
    scores: Tensor  # float32[B, K]
    source: Tensor  # uint8[B, K]


def first_distinct(items: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Return the places of the first distinct items of each line, and where there is one.

    ``items`` is int64[B, M], 0 for none; the places are int64[B, min(k, M)], and the flags, bool of the
    same shape, are false where a line has no further distinct item.

    Examples
    --------
    >>> places, there = first_distinct(torch.tensor([[5, 0, 5, 7]]), 3)
    >>> places[there].tolist()
    [0, 3]
    """
    width = items.shape[1]
    equal = items[:, :, None] == items[:, None, :]  # bool[B, M, M]
    earlier = torch.ones(width, width, dtype=torch.bool, device=items.device).tril(-1)  # bool[M, M]
    unwanted = (equal & earlier).any(dim=2) | (items == 0)  # bool[B, M]
    last, places = unwanted.to(torch.uint8).sort(dim=1, stable=True)
    return places[:, :k], last[:, :k] == 0


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
        (part @ weights.T)
        .scatter_(1, refused, NO_SCORE)
        .index_fill_(1, _row_zero(weights), NO_SCORE)
        .topk(most)
        for part, refused in zip(torch.split(queries, lines), torch.split(banned, lines), strict=True)
    ]
    missing = 0, k - most
    scores = pad(torch.cat([top.values for top in found]), missing, value=NO_SCORE)
    return scores, pad(torch.cat([top.indices for top in found]), missing)


def _row_zero(weights: Tensor) -> Tensor:
    return torch.zeros(1, dtype=torch.int64, device=weights.device)
