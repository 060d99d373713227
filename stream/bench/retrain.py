"""``headrace bench retrain``: that retraining does no harm on recorded logs."""

import os
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.table import Table

from models.rules import Rules
from stream.bench.lives import Replayed, replay
from stream.bench.outcome import Bound, conclude, with_file
from stream.story import line_of

__all__ = ["retrain"]

# Of the hit rate, at most.
_LOST: Final = 0.005


@click.command()
@click.argument(
    "logs",
    metavar="LOG...",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@click.option("--limit", type=click.IntRange(min=1), help="Stop after so many events of each log.")
@click.option("--hours", type=click.FloatRange(min=0), default=0.0, help="One every so many hours as well.")
@with_file
def retrain(logs: tuple[Path, ...], limit: int | None, hours: float, file: Path | None) -> None:
    """Replay each LOG with retraining and without, and tell what was decided.

    Exits with 1 where retraining has lowered the hit rate of a log by more than 0.5 %.
    """
    console, rules = Console(), Rules(every_hours=hours)
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool, console.status("replaying"):
        replayed = list(pool.map(partial(replay, rules=rules, limit=limit), logs))
    for one in replayed:
        click.echo("\n".join([f"{one.log}:", *map(line_of, one.decisions)]))
    console.print(_table(replayed))
    bounds = [Bound(f"of the hit rate is lost on {it.log}", it.lost, "at most", _LOST) for it in replayed]
    conclude("retrain", {"logs": replayed}, file, bounds=bounds)


def _table(replayed: list[Replayed]) -> Table:
    table = Table("log", "events", "hit rate", "without retraining", "lost")
    for one in replayed:
        figures = f"{one.events:,}", f"{one.hit_rate:.4f}", f"{one.without:.4f}", f"{one.lost:.2%}"
        table.add_row(one.log, *figures)
    return table
