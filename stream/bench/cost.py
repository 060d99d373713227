"""``headrace bench cost``: what the checkpoints take from the throughput."""

import statistics
from pathlib import Path
from typing import Final

import click
import msgspec
from msgspec.structs import replace
from rich.console import Console
from rich.table import Table

from stream.bench.full_topic import LOADS, Run, timed
from stream.bench.outcome import Bound, conclude, with_file, with_runs

__all__ = ["cost"]

_EVERY_SECOND: Final = {"HEADRACE_CHECKPOINT_SECONDS": "1"}
_NEVER: Final = {"HEADRACE_CHECKPOINT_SECONDS": "0"}
_LEAST: Final = 0.9


class Pair(msgspec.Struct, frozen=True):
    """Two runs, one after the other: with a checkpoint every second, and with none."""

    kept: Run
    bare: Run

    @property
    def ratio(self) -> float:
        """What is left of the throughput with checkpoints."""
        return self.kept.events_per_second / self.bare.events_per_second


@click.command()
@with_runs(5, "Pairs of runs.")
@with_file
def cost(runs: int, file: Path | None) -> None:
    """Compare throughput with a checkpoint every second and with none, run by run in turn.

    Exits with 1 where the checkpoints cost more than a tenth.
    """
    console, pairs = Console(), list[Pair]()
    for number in range(1, runs + 1):
        with console.status(f"pair {number} of {runs}"):
            pairs.append(_pair(turned=number % 2 == 0))
        console.print(f"pair {number}: {pairs[-1].ratio:.3f}", highlight=False)
    console.print(_table(pairs))
    bound = Bound(
        "of the throughput is left", statistics.median(it.ratio for it in pairs), "at least", _LEAST
    )
    conclude("cost", {"pairs": pairs}, file, bounds=[bound])


def _pair(*, turned: bool) -> Pair:
    """Return two runs; ``turned`` says which is first, as a machine gets slower or faster with time."""
    if turned:
        bare = _run(_NEVER)
        return Pair(_run(_EVERY_SECOND), bare)
    return Pair(_run(_EVERY_SECOND), _run(_NEVER))


def _run(variables: dict[str, str]) -> Run:
    return timed(replace(LOADS["e2e"], variables=variables))


def _table(pairs: list[Pair]) -> Table:
    table = Table("pair", "events/s, kept every second", "events/s, never kept", "ratio")
    for number, pair in enumerate(pairs, start=1):
        rates = (f"{run.events_per_second:,.0f}" for run in (pair.kept, pair.bare))
        table.add_row(str(number), *rates, f"{pair.ratio:.3f}")
    return table
