"""``headrace bench``: the figures that the README quotes, measured on this machine."""

import os
import statistics
from functools import partial
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.table import Table

from stream.bench.full_topic import LOADS, Load, Run, timed
from stream.bench.behaviour import behaviour
from stream.bench.beside import beside
from stream.bench.chaos import chaos
from stream.bench.cost import cost
from stream.bench.drift import drift
from stream.bench.fresh import fresh
from stream.bench.recover import recover
from stream.bench.retrain import retrain
from stream.versions import versions

__all__ = ["bench"]


@click.group()
def bench() -> None:
    """Measure on this machine what the README quotes; exit with 1 where a bound is missed."""


def _timing(name: str, load: Load) -> click.Command:
    """Return the command that fills a topic, starts a worker on it, and times it until all is handled."""
    runs = click.Option(["--runs"], type=click.IntRange(min=1), default=5, show_default=True)
    file = click.Option(
        ["--json", "file"], type=click.Path(dir_okay=False, path_type=Path), help="Write the figures."
    )
    return click.Command(
        name,
        params=[runs, file],
        help=f"Time a worker on a full topic: {load.says}.",
        callback=partial(_time_runs, name),
    )


def _time_runs(name: str, runs: int, file: Path | None) -> None:
    load, console = LOADS[name], Console()
    console.print(f"{name}: {load.says}; {load.events:,} events, {os.cpu_count()} cores")
    done = []
    for number in range(1, runs + 1):
        with console.status(f"run {number} of {runs}"):
            done.append(timed(load))
        console.print(f"run {number}: {done[-1].events_per_second:,.0f} events/s", highlight=False)
    median = statistics.median(run.events_per_second for run in done)
    console.print(_table(done))
    console.print(f"median {median:,.0f} events/s; the bound is {load.bound:,.0f}")
    if file is not None:
        figures = {"name": name, "median": median, "bound": load.bound, "runs": done, "versions": versions()}
        file.write_bytes(msgspec.json.format(msgspec.json.encode(figures)))
    if median < load.bound:
        raise click.ClickException(f"{name} missed its bound")


bench.add_command(behaviour)
bench.add_command(beside)
bench.add_command(chaos)
bench.add_command(cost)
bench.add_command(drift)
bench.add_command(fresh)
bench.add_command(recover)
bench.add_command(retrain)
for _name, _load in LOADS.items():
    bench.add_command(_timing(_name, _load))


def _table(runs: list[Run]) -> Table:
    table = Table("run", "events/s", "seconds", "resident MiB", "hit_rate_20")
    for number, run in enumerate(runs, start=1):
        table.add_row(
            str(number),
            f"{run.events_per_second:,.0f}",
            f"{run.seconds}",
            str(run.resident_mib),
            f"{run.hit_rate_20}",
        )
    return table
