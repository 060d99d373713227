"""The candidates of several scorers, each once in its line, with what every scorer said of them."""

from collections.abc import Sequence

import torch
from torch import Tensor

from models.ranking import ordered
from models.scorer import Proposal, Shortlist
from models.table import Table

__all__ = ["shortlists"]


def shortlists(proposals: Sequence[Proposal], table: Table) -> list[Shortlist]:
    """Return the distinct items of each line, the same for each proposal, with the values of each.

    As wide as the longest line, on another device than CPU as wide as all proposals together; 0 fills up.

    Examples
    --------
    >>> said = Proposal(torch.tensor([[7, 5, 7]]), (torch.tensor([[1.0, 2.0, 3.0]]),))
    >>> table = Table({}, 10, torch.device("cpu"), seed=0)
    >>> first, other = shortlists([said, Proposal(torch.tensor([[9]]))], table)
    >>> first.items.tolist(), first.values[0].tolist(), other.values
    ([[5, 7, 9]], [[2.0, 4.0, 0.0]], ())
    """
    proposed = torch.cat([it.items for it in proposals], dim=1)  # int64[B, C]
    keys, order = ordered(proposed)  # int64[B, C] each
    new = keys.new_zeros(keys.shape)
    new[:, 1:] = keys[:, 1:] != keys[:, :-1]
    slot = new.cumsum(dim=1)  # int64[B, C]
    items = torch.zeros_like(proposed).scatter_(1, slot, keys)
    items = items[:, : _width(slot)]
    place = torch.empty_like(slot).scatter_(1, order, slot)  # of each that was proposed
    parts = torch.split(place, [it.items.shape[1] for it in proposals], dim=1)
    rows = table.find(items)
    found = []
    for said, part in zip(proposals, parts, strict=True):
        of_named = part[:, : part.shape[1] - said.unnamed]
        named = torch.zeros_like(items, dtype=torch.bool).scatter_(1, of_named, value=True)
        values = (value.new_zeros(items.shape).scatter_add_(1, part, value) for value in said.values)
        found.append(Shortlist(items, rows, named, tuple(values)))
    return found


def _width(slot: Tensor) -> int:
    """Return how many slots of the lines, int64[B, C], are taken by one of them at least.

    All, where to know it would be to wait for the device.
    """
    if slot.device.type != "cpu" or not slot.numel():
        return slot.shape[1]
    return int(slot[:, -1].max()) + 1
