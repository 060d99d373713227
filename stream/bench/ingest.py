"""``headrace bench ingest``: how many events a second a worker takes in, nothing learnt."""

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from stream.bench.full_topic import LOADS, Run, timed
from stream.bench.outcome import Bound, Spread, conclude, with_file, with_runs

__all__ = ["ingest"]


@click.command()
@with_runs(5, "Runs, each with a topic of its own.")
@with_file
def ingest(runs: int, file: Path | None) -> None:
    """Time a worker on a full topic: decode, drop repeats, fold profiles of 100,000 users, commit, confirm.

    Exits with 1 where it takes in less than 40,000 events a second.
    """
    load, console = LOADS["ingest"], Console()
    console.print(f"{load.says}; {load.events:,} events")
    done: list[Run] = []
    for number in range(1, runs + 1):
        with console.status(f"run {number} of {runs}"):
            done.append(timed(load))
        console.print(f"run {number}: {done[-1].events_per_second:,.0f} events/s", highlight=False)
    table = Table("run", "events/s", "seconds", "resident MiB")
    for number, run in enumerate(done, start=1):
        table.add_row(f"{number}", f"{run.events_per_second:,.0f}", f"{run.seconds}", f"{run.resident_mib}")
    console.print(table)
    rates = Spread.of([run.events_per_second for run in done])
    bound = Bound("events a second", rates.median, "at least", load.bound)
    conclude("ingest", {"events_per_second": rates, "runs": done}, file, bounds=[bound])
