"""``headrace bench``: the figures that the README quotes, measured on this machine."""

from functools import partial
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from stream.bench.behaviour import behaviour
from stream.bench.beside import beside
from stream.bench.chaos import chaos
from stream.bench.cost import cost
from stream.bench.drift import drift
from stream.bench.e2e import e2e
from stream.bench.fresh import fresh
from stream.bench.full_topic import LOADS, Load, Run, timed
from stream.bench.learn import learn
from stream.bench.outcome import Bound, Spread, conclude, with_file, with_runs
from stream.bench.rank import rank
from stream.bench.recover import recover
from stream.bench.replay import replay
from stream.bench.retrain import retrain
from stream.bench.table import table

__all__ = ["bench"]


@click.group()
def bench() -> None:
    """Measure on this machine what the README quotes; exit with 1 where a bound is missed."""


for _command in (
    behaviour,
    beside,
    chaos,
    cost,
    drift,
    e2e,
    fresh,
    learn,
    rank,
    recover,
    replay,
    retrain,
    table,
):
    bench.add_command(_command)


def _timing(name: str, load: Load) -> click.Command:
    """Return the command that fills a topic, starts a worker on it, and times it until all is handled."""
    time_runs = with_runs(5, "Runs, each with a topic of its own.")(with_file(partial(_time_runs, name)))
    return click.command(name, help=f"Time a worker on a full topic: {load.says}.")(time_runs)


def _time_runs(name: str, runs: int, file: Path | None) -> None:
    load, console = LOADS[name], Console()
    console.print(f"{name}: {load.says}; {load.events:,} events")
    done: list[Run] = []
    for number in range(1, runs + 1):
        with console.status(f"run {number} of {runs}"):
            done.append(timed(load))
        console.print(f"run {number}: {done[-1].events_per_second:,.0f} events/s", highlight=False)
    console.print(_table(done))
    rates = Spread.of([run.events_per_second for run in done])
    bound = Bound("events a second", rates.median, "at least", load.bound)
    conclude(name, {"events_per_second": rates, "runs": done}, file, bounds=[bound])


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


bench.add_command(_timing("ingest", LOADS["ingest"]))
