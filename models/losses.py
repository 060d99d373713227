"""Losses over sampled candidates."""

from typing import Final, NamedTuple

import torch
from torch import Tensor

__all__ = ["NEVER_DRAWN", "Candidates", "sampled_softmax"]

# The log of a chance that takes an item out of a softmax; finite, since the gradient of a sum over nothing
# but minus infinities is not a number.
NEVER_DRAWN: Final = 1e30
_NO_CHANCE: Final = -NEVER_DRAWN


class Candidates(NamedTuple):
    """Items that stand against each other: C sampled ones, and how likely each was to be sampled."""

    rows: Tensor  # int64[C]
    weights: Tensor  # float32[C, D]
    log_chance: Tensor  # float32[C]


def sampled_softmax(queries: Tensor, positives: Candidates, negatives: Candidates) -> Tensor:
    """Return the cross-entropy of each query's positive against the negatives in nats, float32[B].

    The logits are corrected by the log of the chance with which an item is drawn, so that popular items
    are not pushed down for being drawn often; negatives that are the query's own positive are left out.
    (Yi et al., Sampling-Bias-Corrected Neural Modeling for Large Corpus Item Recommendations, RecSys 2019.)

    Parameters
    ----------
    queries
        float32[B, D].
    positives
        One for each query: C is B.
    negatives
        Shared by all queries.
    """
    positive = (queries * positives.weights).sum(dim=1) - positives.log_chance  # float32[B]
    negative = torch.addmm(-negatives.log_chance, queries, negatives.weights.T)  # float32[B, C]
    same = positives.rows[:, None] == negatives.rows[None, :]  # bool[B, C]
    others = negative.masked_fill(same, _NO_CHANCE).logsumexp(dim=1)  # float32[B]
    return torch.logaddexp(positive, others) - positive
