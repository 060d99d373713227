"""What comes around an item: a table of fixed width with the items beside it, and how often lately."""

from typing import ClassVar, Final

import torch
from torch import Tensor

from models.context import Context, is_one_visit
from models.examples import Examples
from models.scorer import Known, Proposal, Shortlist, log_share
from models.table import Column, Table

__all__ = ["Transitions"]

# Neighbours that a row remembers: what is beyond has too little to say to be proposed.
_WIDTH: Final = 32
# Of them are proposed, for each item of the context.
_PROPOSED: Final = 16
# New ones that a row takes in at a step.
_NEW: Final = _WIDTH
# Items of a context that speak, and those that an item is said to follow; weight 1 / distance.
_HORIZON: Final = 5
# Latest items of a user among which pairs count at once. With 10 it is the same on five logs, and dearer.
_OWN: Final = 6
# What a pair counts of two visits, and what items of earlier visits have to say. With 1 for both it is 3 %
# less of the hit rate of `amazon_beauty`, 1 % of that of `retailrocket`, and the same on three logs.
_OF_TWO_VISITS: Final = 0.1
_EARLIER: Final = 0.5
# What a pair counts the other way round: 0.2 to 0.7 gain 2 to 6 % of the hit rate on each of five logs.
_BACK: Final = 0.5
# Every neighbour that is counted makes those before count this much less.
_FADE: Final = 0.995


class Transitions:
    """Items by how often they came after those of the context, or before: sequential rules, in tensors.

    (Ludewig and Jannach, Evaluation of Session-based Recommendation Algorithms, UMUAI 2018.) A row keeps the
    neighbours that count most, in order; a new one takes the place of the last (Metwally et al., Efficient
    Computation of Frequent and Top-k Elements in Data Streams, ICDT 2005, without its overestimates).

    Parameters
    ----------
    table
        Has `COLUMNS`; others may keep theirs in the same rows.
    """

    COLUMNS: ClassVar = {
        "neighbour": Column((_WIDTH,), torch.int64),
        "neighbour_count": Column((_WIDTH,)),
    }
    prior: ClassVar[tuple[float, ...]] = (2.0, 2.0, 1.0, 0.5)

    def __init__(self, table: Table) -> None:
        self._table = table
        distance = torch.arange(1, _HORIZON + 1, dtype=torch.float32, device=table.device)
        self._weights = 1 / distance  # float32[H]
        self._beside = _beside(table.device)

    def propose(self, known: Known) -> Proposal:
        """Return the first neighbours of the latest items, with their shares of all that were counted.

        What the user's own context shows counts as if it had been learnt, be it learnt already or not.
        """
        rows = known.rows[:, :_HORIZON]  # int64[B, H]
        own = known.context.items[:, :_OWN]  # int64[B, N]
        neighbours, counts = (self._table.take(name, rows) for name in self.COLUMNS)  # [B, H, W] each
        more = self._not_yet_learnt(known.context, neighbours, counts)  # float32[B, H, N]
        total = counts.sum(dim=2, keepdim=True) + more.sum(dim=2, keepdim=True) + 1  # float32[B, H, 1]
        ts = known.context.ts[:, :_HORIZON]
        weights = (self._weights * _of_visits(ts[:, :1], ts, _EARLIER))[:, :, None]  # float32[B, H, 1]
        neighbours, counts = neighbours[:, :, :_PROPOSED], counts[:, :, :_PROPOSED]
        spoken, spoken_own = (_spoken(of, total, weights) for of in (counts, more))
        values = (
            torch.cat([value.flatten(1), value_own.sum(dim=1)], dim=1)
            for value, value_own in zip(spoken, spoken_own, strict=True)
        )
        items = torch.cat([neighbours.flatten(1), own], dim=1)
        return Proposal(items, tuple(values), unnamed=own.shape[1])

    def _not_yet_learnt(self, context: Context, neighbours: Tensor, counts: Tensor) -> Tensor:
        """Return what a context's items count beside its latest, less what their rows hold, float32[B, H, N].

        Users come back to what they have just seen, and learning is a batch behind, or more under load.
        """
        own, ts = context.items[:, :_OWN], context.ts[:, :_OWN]
        is_own = neighbours[:, :, None] == own[:, None, :, None]  # bool[B, H, N, W]
        learnt = (is_own * counts[:, :, None]).sum(dim=3)  # float32[B, H, N]
        there = (own[:, :_HORIZON, None] != 0) & (own[:, None] != 0)  # bool[B, H, N]
        due = self._beside * _of_visits(ts[:, :_HORIZON, None], ts[:, None], _OF_TWO_VISITS)
        return (due - learnt).clamp(min=0) * there

    def columns(self, _: Known, shortlist: Shortlist) -> list[Tensor]:
        """Return shares (of the context, of the latest item) as logs, and the support."""
        share, latest, support = shortlist.values
        return [log_share(share), share, log_share(latest), torch.log1p(support) / 4]

    def learn_many(self, examples: Examples) -> Tensor:
        """Count each item beside those of its context; the losses are 0."""
        before = examples.context.items[:, :_HORIZON]  # int64[B, H]
        after = examples.item[:, None].expand_as(before)
        ts = examples.context.ts[:, :_HORIZON]
        weights = self._weights * _of_visits(examples.ts[:, None], ts, _OF_TWO_VISITS)  # float32[B, H]
        pairs = (before != 0) & (before != after)  # bool[B, H]
        owners = torch.cat([before[pairs], after[pairs]])
        others = torch.cat([after[pairs], before[pairs]])
        weights = torch.cat([weights[pairs], _BACK * weights[pairs]])
        rows = self._table.find(owners)
        self._count(rows[rows != 0], others[rows != 0], weights[rows != 0])
        return torch.zeros(len(examples.item), device=examples.item.device)

    def _count(self, owners: Tensor, others: Tensor, weights: Tensor) -> None:
        """Count n pairs of a row (int64[n]) and a key (int64[n])."""
        if not len(owners):
            return
        rows, owner = torch.unique(owners, return_inverse=True)  # int64[U], int64[n]
        owner, others, weights = _summed(owner, others, weights)
        keys, counts = (self._table.take(name, rows) for name in self.COLUMNS)  # [U, W] each
        seen = torch.bincount(owner, minlength=len(rows))  # int64[U]
        counts = counts * (_FADE**seen)[:, None].to(torch.float32)
        match = keys[owner] == others[:, None]  # bool[n, W]
        there = match.any(dim=1)
        place = match.to(torch.uint8).argmax(dim=1)  # int64[n]
        counts.index_put_((owner[there], place[there]), weights[there], accumulate=True)
        more_keys, more_counts = _spread(len(rows), owner[~there], others[~there], weights[~there])
        counts, order = torch.cat([counts, more_counts], dim=1).sort(dim=1, descending=True, stable=True)
        keys = torch.cat([keys, more_keys], dim=1).gather(1, order)
        self._table["neighbour"][rows] = keys[:, :_WIDTH]
        self._table["neighbour_count"][rows] = counts[:, :_WIDTH]
        self._table.touch(rows)


def _summed(owner: Tensor, key: Tensor, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the distinct pairs of owner and key, by owner, with the sums of their weights."""
    order = key.argsort(stable=True)
    order = order[owner[order].argsort(stable=True)]
    owner, key = owner[order], key[order]
    first = torch.ones_like(owner, dtype=torch.bool)
    first[1:] = (owner[1:] != owner[:-1]) | (key[1:] != key[:-1])
    sums = weight.new_zeros(len(owner)).index_add_(0, first.cumsum(0) - 1, weight[order])
    return owner[first], key[first], sums[: int(first.sum())]


def _spread(owners: int, owner: Tensor, key: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Return the pairs as a matrix with a line for each owner, [U, N] both: those that weigh most."""
    order = weight.argsort(descending=True, stable=True)
    order = order[owner[order].argsort(stable=True)]
    owner, key, weight = owner[order], key[order], weight[order]
    start = torch.searchsorted(owner, owner)
    nth = torch.arange(len(owner), device=owner.device) - start
    fits = nth < _NEW
    keys = key.new_zeros(owners, _NEW)
    keys[owner[fits], nth[fits]] = key[fits]
    counts = weight.new_zeros(owners, _NEW)
    counts[owner[fits], nth[fits]] = weight[fits]
    return keys, counts


def _beside(device: torch.device) -> Tensor:
    """Return what the n-th latest item counts in the row of the h-th latest, float32[H, N].

    It is 1 / distance where it came later and `_BACK` / distance where before; 0 beyond the horizon.
    """
    place = torch.arange(_OWN, device=device)
    older = place - place[:_HORIZON, None]  # int64[H, N], by how many places
    near = (older != 0) & (older <= _HORIZON)
    return torch.where(near, torch.where(older > 0, _BACK, 1.0) / older.abs().clamp(min=1), 0.0)


def _of_visits(one: Tensor, other: Tensor, two: float) -> Tensor:
    """Return 1 where two times, in milliseconds, are of one visit, and ``two`` where of two, float32[...]."""
    return torch.where(is_one_visit(one, other), 1.0, two)


def _spoken(counts: Tensor, total: Tensor, weights: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return shares, those of the latest item alone, and the support, float32[B, H, any] each."""
    share = counts / total
    latest = torch.zeros_like(share)
    latest[:, 0] = share[:, 0]
    return share * weights, latest, counts * weights
