"""``headrace demo``: all of Headrace on a recorded log, with one command."""

import logging
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console

from producers.bundled import REES46
from stream.demo import Demo, DemoPlan
from stream.demo_child import WorkerEnded
from stream.demo_report import DemoReport
from stream.demo_scene import Scene
from stream.demo_view import screen_on
from stream.quality_table import quality_table
from stream.settings import environment

__all__ = ["demo"]

_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
_STOPPING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _in_a_folder(_: click.Context, __: click.Parameter, file: Path | None) -> Path | None:
    if file is not None and not file.absolute().parent.is_dir():
        raise click.BadParameter(f"there is no folder {str(file.parent)!r}")
    return file


@click.command()
@click.option("--log", type=_FILE, default=REES46, help="A recorded log.  [default: one that is bundled]")
@click.option("--items", type=_FILE, help="Items to put on the catalog first: CSV or JSON Lines.")
@click.option("--events", type=click.IntRange(min=1), help="Stop after so many events.")
@click.option(
    "--rate",
    type=click.FloatRange(min=0, min_open=True),
    help="Events a second at most; a second of them may wait.  [default: 64 events may wait]",
)
@click.option(
    "--report",
    "file",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    callback=_in_a_folder,
    help="Write the figures to a JSON file.",
)
@click.option("--keep", is_flag=True, help="Stay up for the live page until Ctrl-C.")
def demo(file: Path | None, *, keep: bool, **choices: Any) -> None:
    """Start a Kafka and a worker, replay a log, show how well it is foreseen, and clean up.

    Where HEADRACE_BROKER is set, that Kafka is used and none is started.
    """
    # While a broker comes or goes its clients log every attempt; what came of it is said once.
    for client in ("aiokafka", "kafka"):
        logging.getLogger(client).setLevel(logging.CRITICAL)
    console, plan = Console(), DemoPlan(**choices)
    try:
        with _ready(plan, console) as (running, page):
            report = running.replay(screen_on(console, plan.log.name, page))
            _print_report(console, report)
            if file is not None:
                file.write_bytes(report.as_json())
            if keep:
                console.print(f"The page stays up at {page} until Ctrl-C.", soft_wrap=True)
                with suppress(KeyboardInterrupt):
                    running.stay()
    except WorkerEnded as error:
        click.echo(error.tail, err=True)
        raise
    except OSError as error:
        raise click.ClickException(str(error)) from error


@contextmanager
def _ready(plan: DemoPlan, console: Console) -> Iterator[tuple[Demo, str]]:
    """Give a demo whose worker is ready, and the address of its page; afterwards nothing of it is left."""
    with _stopped_by_signals(), tempfile.TemporaryDirectory(prefix="headrace-demo-") as folder:
        scene = Scene.of(environment(), Path(folder))
        running = Demo(plan, scene)
        try:
            console.print(f"Starting a worker, and {scene.location}", soft_wrap=True)
            running.start()
            console.print(f"The worker is ready, its live page: {scene.page}", soft_wrap=True)
            yield running, scene.page
        finally:
            for number in _STOPPING:  # whoever is impatient now would leave something behind
                signal.signal(number, signal.SIG_IGN)
            running.close()


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """Let the signals that end a command all raise KeyboardInterrupt."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in _STOPPING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _print_report(console: Console, report: DemoReport) -> None:
    latency = ", ".join(f"{name} {value:,.0f} ms" for name, value in report.latency_ms.items())
    console.print(
        f"{report.events:,} events in {report.seconds:.1f} s, {report.events_per_second:,.0f} events/s "
        f"(at last {report.rate:,.0f}), the learner at worst {report.worst_lag_seconds:.1f} s behind\n"
        f"{report.recommendations:,} recommendations for {report.usable:,} usable events, "
        f"{report.duplicates:,} duplicates, {report.dead_letters:,} dead letters, "
        f"{report.bad_rows:,} bad rows\nfrom event to recommendation {latency}",
        soft_wrap=True,
    )
    console.print(quality_table(report.quality))
