"""Contexts and examples of a made-up shop of any size, for benchmarks of the model alone."""

import time
from collections.abc import Callable
from typing import Any, Final, TypeVar

import click
import torch
from torch import Tensor

from models.batch import CODE_OF
from models.context import CONTEXT_ITEMS, Context
from models.events import Action
from models.examples import Examples
from models.metrics import NOT_SCORED
from models.recommender import Recommender
from models.scatter import scattered_bits
from models.stock import Stock

__all__ = ["contexts", "device_option", "examples", "item_keys", "seconds_of", "taught"]

_START_MS: Final = 1_700_000_000_000
_VIEW: Final = CODE_OF[Action.VIEW_ITEM]
# Of a user's known items; a few have all fifty.
_MEAN_ITEMS: Final = 8.0
# The n-th of N items is met as often as (n / N)^_SKEW says: a tenth of them in half of the events.
_SKEW: Final = 3.3
# Examples of a step by which the items come to be known.
_STEP: Final = 8_192

_Command = TypeVar("_Command", bound=Callable[..., object])


def device_option(command: _Command) -> _Command:
    """Add --device to a command, whose parameter is ``device``."""
    option = click.option(
        "--device",
        default="cuda" if torch.cuda.is_available() else "cpu",
        show_default=True,
        callback=lambda _, __, name: torch.device(name),
    )
    return option(command)


def item_keys(numbers: Tensor) -> Tensor:
    """Return the keys of items from their numbers, int64, 1 being the first; 0 stays 0."""
    return torch.where(numbers == 0, 0, scattered_bits(numbers.flatten(), 1, seed=0).view_as(numbers))


def contexts(count: int, items: int, seed: int, device: torch.device) -> Context:
    """Return contexts of ``count`` users of a shop of so many items; some items may stand in one twice."""
    draw = torch.Generator().manual_seed(seed)
    known = (torch.empty(count, 1).exponential_(1 / _MEAN_ITEMS, generator=draw) + 1).long()
    there = torch.arange(CONTEXT_ITEMS) < known  # bool[B, L]
    keys = torch.where(there, item_keys(_drawn((count, CONTEXT_ITEMS), items, draw)), 0)
    ts = torch.where(there, _START_MS - 1_000 * torch.arange(CONTEXT_ITEMS), 0)
    return Context(keys, there.to(torch.uint8) * _VIEW, ts).to(device)


def examples(count: int, items: int, seed: int, device: torch.device) -> Examples:
    """Return ``count`` views of a shop of so many items."""
    item = item_keys(_drawn((count,), items, torch.Generator().manual_seed(~seed)))
    found = Examples(
        context=contexts(count, items, seed, torch.device("cpu")),
        item=item,
        action=torch.full_like(item, _VIEW, dtype=torch.uint8),
        ts=_START_MS + torch.arange(count),
        rank=torch.full_like(item, NOT_SCORED, dtype=torch.int8),
        who=torch.arange(count) + 1,
    )
    return found.to(device)


def taught(items: int, device: torch.device) -> Recommender:
    """Return a model that has learnt each of so many items once."""
    recommender = Recommender(Stock(2 * items, device), seed=0)
    for step, numbers in enumerate(torch.split(torch.arange(1, items + 1), _STEP)):
        lesson = examples(len(numbers), items, step, device)
        recommender.learn_many(lesson._replace(item=item_keys(numbers).to(device)))
        recommender.take_changes()
    return recommender


def seconds_of(call: Callable[[], Any], device: torch.device) -> float:
    """Return how long a call takes, until its device is done with it."""
    _wait_for(device)
    start = time.perf_counter()
    call()
    _wait_for(device)
    return time.perf_counter() - start


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _drawn(shape: tuple[int, ...], items: int, draw: torch.Generator) -> Tensor:
    """Return the numbers of items, few of which are met often, int64[*shape]."""
    return (torch.rand(shape, generator=draw, dtype=torch.float64) ** _SKEW * items).long() + 1
