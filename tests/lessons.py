"""Made-up contexts and examples of a small shop, drawn from a seed."""

import torch
from torch import Tensor

from models.batch import CODE_OF
from models.context import CONTEXT_ITEMS, Context
from models.events import Action
from models.examples import Examples
from models.metrics import NOT_SCORED

__all__ = ["UNKNOWN", "USERS", "contexts", "examples", "keys", "pair_lessons"]

START_MS = 1_700_000_000_000
# Added to a key, it is one that nobody has taught.
UNKNOWN = 10**12
_ITEMS = 90
# Whose events are in a run of examples, in turn: 1 to so many.
USERS = 7
_VIEW = CODE_OF[Action.VIEW_ITEM]


def keys(numbers: Tensor) -> Tensor:
    """Return keys of items, far apart and of both signs, from numbers (int64) above 0; 0 stays 0."""
    return torch.where(numbers % 2 == 0, numbers, -numbers) * 0x9E3779B97F4A7


def contexts(count: int, seed: int, device: torch.device) -> Context:
    """Return contexts of 0 to 50 distinct items; popular ones are more frequent."""
    generator = torch.Generator().manual_seed(seed)
    weights = 1 / torch.arange(1, _ITEMS + 1)  # float32[items]
    drawn = weights.expand(count, -1).multinomial(CONTEXT_ITEMS, generator=generator) + 1  # int64[B, L]
    known = torch.randint(0, CONTEXT_ITEMS + 1, (count, 1), generator=generator)
    known[::5] = 0
    there = torch.arange(CONTEXT_ITEMS) < known  # bool[B, L]
    items = torch.where(there, keys(drawn), 0)
    ts = torch.where(there, START_MS - torch.arange(CONTEXT_ITEMS), 0)
    return Context(items, there.to(torch.uint8) * _VIEW, ts).to(device)


def examples(count: int, seed: int, device: torch.device) -> Examples:
    """Return examples whose items are popular ones, some of them twice in the batch."""
    generator = torch.Generator().manual_seed(seed + 1_000)
    items = (torch.rand(count, generator=generator).square() * _ITEMS).long() + 1  # int64[B]
    return _examples(contexts(count, seed, torch.device("cpu")), keys(items)).to(device)


def pair_lessons(pairs: int, seed: int, device: torch.device) -> Examples:
    """Return the events of users who each see item 2 i and then item 2 i + 1; three users a pair."""
    order = torch.randperm(pairs * 3, generator=torch.Generator().manual_seed(seed)) % pairs + 1
    events = torch.stack([2 * order, 2 * order + 1], dim=1)  # int64[users, 2]
    items = torch.zeros(len(order), 2, CONTEXT_ITEMS, dtype=torch.int64)
    items[:, 1, 0] = keys(events[:, 0])
    items = items.view(-1, CONTEXT_ITEMS)  # int64[users, 2, L] -> int64[B, L]
    there = items.ne(0)
    context = Context(items, there.to(torch.uint8) * _VIEW, there.to(torch.int64) * START_MS)
    return _examples(context, keys(events.view(-1))).to(device)


def _examples(context: Context, item: Tensor) -> Examples:
    return Examples(
        context=context,
        item=item,
        action=torch.full_like(item, _VIEW, dtype=torch.uint8),
        ts=START_MS + torch.arange(len(item)),
        rank=torch.full_like(item, NOT_SCORED, dtype=torch.int8),
        who=torch.arange(len(item)) % USERS + 1,
    )
