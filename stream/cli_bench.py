"""``headrace bench``: the figures that the README quotes, measured on this machine."""

import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

import click
import msgspec
import numpy as np
from rich.console import Console
from rich.table import Table

from producers.bundled import REES46
from producers.logs import open_log
from producers.plan import ReplayPlan
from producers.replayer import Replay
from stream.cli_bench_chaos import chaos
from stream.cli_bench_recover import recover
from stream.client import Client, View
from stream.demo_child import WorkerProcess
from stream.demo_scene import Scene
from stream.versions import versions

__all__ = ["bench"]

_LOOK_SECONDS: Final = 0.2
_MIB: Final = 2**20


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What a benchmark puts before a worker, and what it must reach.

    ``app`` is the module of the worker's Faust app; ``bound`` is in events a second.
    """

    app: str
    events: int
    says: str
    bound: float
    learns: bool
    variables: dict[str, str]


_LOADS: Final = {
    "ingest": Load(
        app="stream.ingest",
        events=400_000,
        says="decode, drop repeats, fold 100,000 uniform users' profiles, commit, changelog confirmed",
        bound=40_000,
        learns=False,
        variables={"HEADRACE_LEARNER": "no", "HEADRACE_BATCH": "1000"},
    ),
    "e2e": Load(
        app="stream.app",
        events=100_000,
        says="every event of the bundled rees46 log, looped, answered and learnt",
        bound=5_000,
        learns=True,
        variables={},
    ),
}


class Run(msgspec.Struct, frozen=True):
    """One run: how fast a worker took a full topic, and what it held in memory at the end."""

    events_per_second: float
    seconds: float
    resident_mib: int
    hit_rate_20: float


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
    load, console = _LOADS[name], Console()
    console.print(f"{name}: {load.says}; {load.events:,} events, {os.cpu_count()} cores")
    done = []
    for number in range(1, runs + 1):
        with console.status(f"run {number} of {runs}"):
            done.append(_run(load))
        console.print(f"run {number}: {done[-1].events_per_second:,.0f} events/s", highlight=False)
    median = statistics.median(run.events_per_second for run in done)
    console.print(_table(done))
    console.print(f"median {median:,.0f} events/s; the bound is {load.bound:,.0f}")
    if file is not None:
        figures = {"name": name, "median": median, "bound": load.bound, "runs": done, "versions": versions()}
        file.write_bytes(msgspec.json.format(msgspec.json.encode(figures)))
    if median < load.bound:
        raise click.ClickException(f"{name} missed its bound")


bench.add_command(chaos)
bench.add_command(recover)
for _name, _load in _LOADS.items():
    bench.add_command(_timing(_name, _load))


def _run(load: Load) -> Run:
    with tempfile.TemporaryDirectory(prefix="headrace-bench-") as folder:
        scene = Scene.of({**os.environ, **load.variables}, Path(folder))
        variables = {**scene.variables, **load.variables}
        client = Client(scene.page)
        worker = WorkerProcess(variables, client, Path(folder) / "worker.log", load.app)
        with _running(scene, worker):
            _fill(load, scene)
            worker.release()
            return _time(client, worker, load)


@contextmanager
def _running(scene: Scene, worker: WorkerProcess) -> Iterator[None]:
    try:
        worker.start()
        if scene.kafka is not None:
            scene.kafka.start()
        yield
    finally:
        worker.kill()
        if scene.kafka is not None:
            scene.kafka.kill()


def _fill(load: Load, scene: Scene) -> None:
    log = REES46 if load.learns else _uniform_log(scene.folder, load.events)
    settings = scene.settings
    plan = ReplayPlan(
        log=open_log(log), broker=settings.broker, prefix=settings.topic_prefix, limit=load.events, loop=True
    )
    Replay(plan).run()


def _uniform_log(folder: Path, events: int) -> Path:
    """Write a log of views by 100,000 uniform users of 10,000 items, a millisecond apart."""
    draw = np.random.default_rng(0)
    users, items = draw.integers(100_000, size=events), draw.integers(10_000, size=events)
    path = folder / "uniform.csv"
    lines = (
        f"{1_700_000_000_000 + n},u{user},i{item}\n"
        for n, (user, item) in enumerate(zip(users, items, strict=True))
    )
    path.write_text("ts,user,item\n" + "".join(lines), encoding="utf-8")
    return path


def _time(client: Client, worker: WorkerProcess, load: Load) -> Run:
    started, view = time.monotonic(), View()
    while view.handled < load.events or (load.learns and view.learnt < view.handed_on):
        time.sleep(_LOOK_SECONDS)
        worker.check()
        view = client.status()
    seconds = time.monotonic() - started
    hit_rate = view.quality["headrace"].hit_rate_20
    return Run(round(load.events / seconds, 1), round(seconds, 2), view.resident_bytes // _MIB, hit_rate)


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
