"""``headrace bench learn``: how many examples the model learns in a second."""

from pathlib import Path
from typing import Final

import click
import msgspec
import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table

from models.recommender import Recommender
from stream.bench.model_load import device_option, examples, seconds_of, taught
from stream.bench.outcome import Bound, Spread, conclude, with_file, with_runs
from stream.model_thread import share_cores

__all__ = ["learn"]

_ITEMS: Final = (10_000, 100_000, 1_000_000)
_BATCHES: Final = {"cpu": (64, 256, 1_024), "cuda": (256, 4_096, 65_536)}
_STEPS: Final = 20
# Examples a second on a GPU, at a million items.
_BOUND: Final = 1e6
_AT: Final = 1_000_000


class Learnt(msgspec.Struct, frozen=True):
    """Examples a second: of the whole model, and of its embedding alone."""

    items: int
    batch: int
    whole: Spread
    embedding: Spread


@click.command()
@with_runs(5, "Runs of each, of 20 steps.")
@click.option("--items", type=click.IntRange(min=1), multiple=True, default=_ITEMS, show_default=True)
@click.option("--batch", type=click.IntRange(min=1), multiple=True, help="Examples of a step.")
@device_option
@with_file
def learn(
    *, runs: int, items: tuple[int, ...], batch: tuple[int, ...], device: torch.device, file: Path | None
) -> None:
    """Time the steps of the whole model, and of its embedding alone, by items and by examples of a step.

    Exits with 1 where on a GPU the embedding of a million items learns less than a million examples a second.
    """
    share_cores()
    found: list[Learnt] = []
    for count in track(items, "shops"):
        model = taught(count, device)
        found += [_timed(model, count, size, runs) for size in batch or _BATCHES[device.type]]
    Console().print(_table(found, device))
    large = [it.embedding.median for it in found if it.items >= _AT and device.type == "cuda"]
    bounds = [Bound("examples a second, embedding", max(large), "at least", _BOUND)] if large else []
    conclude("learn", {"device": str(device), "learnt": found}, file, bounds=bounds)


def _timed(model: Recommender, items: int, batch: int, runs: int) -> Learnt:
    lessons = [examples(batch, items, seed, model.device) for seed in range(_STEPS)]

    def whole() -> None:
        for lesson in lessons:
            model.learn_many(lesson)

    def embedding() -> None:
        for lesson in lessons:
            model.embedding.learn_many(lesson)

    rates: dict[str, list[float]] = {"whole": [], "embedding": []}
    for _ in range(runs + 1):
        rates["whole"].append(_STEPS * batch / seconds_of(whole, model.device))
        rates["embedding"].append(_STEPS * batch / seconds_of(embedding, model.device))
        model.take_changes()
    return Learnt(items, batch, *(Spread.of(of[1:]) for of in rates.values()))


def _table(found: list[Learnt], device: torch.device) -> Table:
    table = Table(
        "items", "examples a step", "examples/s, whole model", "its embedding alone", title=str(device)
    )
    for it in found:
        table.add_row(f"{it.items:,}", f"{it.batch:,}", str(it.whole), str(it.embedding))
    return table
