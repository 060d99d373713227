"""``headrace bench rank``: how long a list of twenty takes, beside the multiply that scores all items."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click
import msgspec
import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table
from torch import Tensor

from models.context import Context
from models.embedding import EmbeddingLearner, Hyperparameters
from models.metrics import K
from models.recommender import Recommender
from stream.bench.model_load import contexts, device_option, seconds_of, taught
from stream.bench.outcome import Bound, Spread, conclude, with_file, with_runs
from stream.model_thread import share_cores

__all__ = ["rank"]

_ITEMS: Final = (10_000, 100_000, 1_000_000)
_BATCHES: Final = (1, 64, 256)
# Of the time of the bare multiply at a hundred thousand items; and milliseconds a query at a million.
_OF_BARE: Final = 1.5
_AT: Final = 100_000
_MS: Final = 5.0
_MS_AT: Final = 1_000_000


class Ranked(msgspec.Struct, frozen=True):
    """Milliseconds a query, by what was asked for.

    Attributes
    ----------
    product
        The list as it is served: all scorers, blended, but for content, as there is no catalog.
    nearest
        The nearest of all items, exactly.
    bare
        The multiply of users and all items, and `torch.topk` of that.
    """

    items: int
    batch: int
    product: Spread
    nearest: Spread
    bare: Spread


@click.command()
@with_runs(5, "Runs of each.")
@click.option("--items", type=click.IntRange(min=K), multiple=True, default=_ITEMS, show_default=True)
@click.option("--batch", type=click.IntRange(min=1), multiple=True, default=_BATCHES, show_default=True)
@device_option
@with_file
def rank(
    *, runs: int, items: tuple[int, ...], batch: tuple[int, ...], device: torch.device, file: Path | None
) -> None:
    """Time lists of twenty, by the number of items and of users that are asked for at once.

    Exits with 1 where the nearest of 100,000 items take more than 1.5 times as long as a bare multiply, or
    those of a million more than 5 ms a query, both at the largest batch.
    """
    share_cores()
    found: list[Ranked] = []
    for count in track(items, "shops"):
        shop = _Shop(count, device)
        found += [shop.time(size, runs) for size in batch]
    Console().print(_table(found, device))
    conclude("rank", {"device": str(device), "ranked": found}, file, bounds=_bounds(found))


class _Shop:
    """A model of a shop of so many items, and the embedding that it has."""

    def __init__(self, items: int, device: torch.device) -> None:
        self._items, self._device = items, device
        self._model: Recommender = taught(items, device)
        self._embedding: EmbeddingLearner = self._model.embedding

    def time(self, batch: int, runs: int) -> Ranked:
        """Time the lists of so many users, by turns."""
        asked = contexts(batch, self._items, 0, self._device)
        calls = {"product": self._product, "nearest": self._nearest, "bare": self._bare}
        seconds: dict[str, list[float]] = {name: [] for name in calls}
        for _ in range(runs + 1):
            for name, call in calls.items():
                seconds[name].append(self._seconds(call, asked))
        a_query = {name: Spread.of([1e3 * it / batch for it in of[1:]]) for name, of in seconds.items()}
        return Ranked(self._items, batch, **a_query)

    def _seconds(self, call: Callable[[Context], Any], asked: Context) -> float:
        return seconds_of(lambda: call(asked), self._device)

    def _product(self, asked: Context) -> Tensor:
        return self._model.predict_many(asked, asked.items[:, :1], K).items

    def _nearest(self, asked: Context) -> Tensor:
        return self._embedding.predict_many(asked, asked.items[:, :1], K).items

    def _bare(self, asked: Context) -> Tensor:
        table = self._embedding.table
        rows = table.find(asked.items[:, : Hyperparameters().horizon])
        return (self._embedding.users(rows) @ table["weight"].T).topk(K).indices


def _bounds(found: list[Ranked]) -> list[Bound]:
    largest = max(it.batch for it in found)
    last = {it.items: it for it in found if it.batch == largest}
    bounds = []
    if _AT in last:
        ratio = last[_AT].nearest.median / last[_AT].bare.median
        bounds.append(Bound(f"of the bare multiply at {_AT:,} items", ratio, "at most", _OF_BARE))
    if _MS_AT in last:
        took = last[_MS_AT].nearest.median
        bounds.append(Bound(f"ms a query, the nearest of {_MS_AT:,} items", took, "at most", _MS))
    return bounds


def _table(found: list[Ranked], device: torch.device) -> Table:
    table = Table(
        "items", "at once", "product, ms a query", "nearest of all", "bare multiply", title=str(device)
    )
    for it in found:
        times = map(str, (it.product, it.nearest, it.bare))
        table.add_row(f"{it.items:,}", f"{it.batch}", *times)
    return table
