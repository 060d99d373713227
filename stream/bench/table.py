"""``headrace bench table``: how many keys the model's table finds, admits and evicts in a second."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import click
import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table as Shown
from torch import Tensor

from models.embedding import Hyperparameters
from models.product import Product
from models.table import Table
from stream.bench.model_load import device_option, item_keys, seconds_of
from stream.bench.outcome import Bound, Spread, conclude, with_file, with_runs
from stream.model_thread import share_cores

__all__ = ["table"]

_BATCH: Final = {"cpu": 4_096, "cuda": 1_000_000}
# Keys a second.
_BOUNDS: Final = {"cpu": {"found": 5e6, "admitted": 1e6}, "cuda": {"found": 5e8}}
_BATCHES: Final = 50


@click.command()
@with_runs(5, "Runs of each, of 50 batches.")
@click.option("--rows", type=click.IntRange(min=1), default=1_000_000, show_default=True)
@click.option("--batch", type=click.IntRange(min=1), help="Keys at once: 4,096 on CPU, else a million.")
@device_option
@with_file
def table(*, runs: int, rows: int, batch: int | None, device: torch.device, file: Path | None) -> None:
    """Time the table of a shop of many items, with all columns of the product's model.

    Exits with 1 where, on CPU, it finds less than 5 million or admits less than a million keys a second, or
    on a GPU finds less than 500 million.
    """
    share_cores()
    timing = Timing(rows, batch or _BATCH[device.type], device)
    done = [timing.run() for _ in track(range(runs), "runs")]
    rates = {name: Spread.of([run[name] for run in done]) for name in done[0]}
    shown = Shown("keys a second", f"{rows:,} rows, {timing.batch:,} at once, {device}")
    for name, rate in rates.items():
        shown.add_row(name, str(rate))
    Console().print(shown)
    figures = {"rows": rows, "batch": timing.batch, "device": str(device), "keys_per_second": rates}
    limits = _BOUNDS[device.type].items()
    bounds = [Bound(f"keys {name} a second", rates[name].median, "at least", limit) for name, limit in limits]
    conclude("table", figures, file, bounds=bounds)


class Timing:
    """Times the table of a shop of many items.

    Parameters
    ----------
    rows
        That it has.
    batch
        Keys at once.
    device
        Where it lives.
    """

    def __init__(self, rows: int, batch: int, device: torch.device) -> None:
        self.batch = batch
        columns = Hyperparameters().columns | Product.COLUMNS
        self._rows, self._device = rows, device
        # Room for what a run admits: tables grow by doubling, once in a long while.
        self._table = Table(columns, rows + _BATCHES * batch, device, seed=0)
        self._table.evict(self._table.admit(self._keys(0, rows + _BATCHES * batch)))
        self._table.admit(self._keys(0, rows))
        self._draw = torch.Generator().manual_seed(0)

    def run(self) -> dict[str, float]:
        """Return how many keys were found, admitted and evicted in a second."""
        known = torch.randint(self._rows, (_BATCHES * self.batch,), generator=self._draw)
        new = self._keys(self._rows, self._rows + _BATCHES * self.batch)
        found = self._rate(self._table.find, item_keys(known + 1).to(self._device))
        admitted = self._rate(self._table.admit, new)
        evicted = self._rate(self._table.evict, self._table.find(new))
        self._table.take_changes()
        return {"found": found, "admitted": admitted, "evicted": evicted}

    def _rate(self, call: Callable[[Tensor], object], keys: Tensor) -> float:
        def each() -> None:
            for part in torch.split(keys, self.batch):
                call(part)

        return len(keys) / seconds_of(each, self._device)

    def _keys(self, start: int, end: int) -> Tensor:
        return item_keys(torch.arange(start + 1, end + 1)).to(self._device)
