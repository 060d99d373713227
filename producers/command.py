"""What the commands that publish have in common: their options, and how they end."""

import logging
import signal
from collections.abc import Callable
from typing import Any, BinaryIO, Final

import click
import msgspec

from producers.bar import ProgressBar
from producers.errors import ProducerError, Undelivered
from producers.plan import ReplayPlan
from producers.replayer import Replay
from producers.report import ReplayReport

__all__ = ["one_pace", "publish", "publishing"]

_PARTITIONS: Final = "Of topics that do not exist yet.  [default: 4]"
_TIMEOUT: Final = "Seconds the broker may leave a record unconfirmed.  [default: 30]"
_POSITIVE: Final = click.FloatRange(min=0, min_open=True)
_OPTIONS: Final = (
    click.option("--rate", type=_POSITIVE, help="Events a second."),
    click.option("--speed", type=_POSITIVE, help="Times the recorded pace."),
    click.option("--limit", type=click.IntRange(min=1), help="Stop after so many events."),
    click.option("--processes", type=click.IntRange(min=1), default=1, show_default=True),
    click.option("--broker", envvar="HEADRACE_BROKER", default="127.0.0.1:9092", show_default=True),
    click.option("--topic-prefix", "prefix", envvar="HEADRACE_TOPIC_PREFIX", default=""),
    click.option(
        "--partitions", envvar="HEADRACE_PARTITIONS", type=click.IntRange(min=1), default=4, help=_PARTITIONS
    ),
    click.option("--timeout", type=_POSITIVE, default=30.0, help=_TIMEOUT),
    click.option(
        "--json", "report_file", type=click.File("wb", lazy=True), help="Write the report to a file."
    ),
)
_STOPPING: Final = (signal.SIGINT, signal.SIGTERM)
# What a shell reports of a command that Ctrl-C ended.
_INTERRUPTED: Final = 130


def publishing(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of all that publish, named as the fields of `ReplayPlan`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def one_pace(choices: dict[str, Any]) -> None:
    """Refuse a rate next to a speed."""
    if choices["rate"] and choices["speed"]:
        raise click.UsageError("--rate and --speed exclude each other: choose one")


def publish(plan: ReplayPlan, name: str, report_file: BinaryIO | None) -> None:
    """Publish, and say what came of it; ``name`` is shown beside the progress."""
    # While a broker is away its clients log every attempt; what came of it is said once, below.
    for client in ("aiokafka", "kafka"):
        logging.getLogger(client).setLevel(logging.CRITICAL)
    try:
        report = _run(plan, name)
    except ProducerError as error:
        if isinstance(error, Undelivered) and report_file is not None:
            _write(error.report, report_file)
        raise click.ClickException(str(error)) from error
    if report_file is not None:
        _write(report, report_file)
    _print_report(report)
    if report.interrupted:
        click.get_current_context().exit(_INTERRUPTED)


def _run(plan: ReplayPlan, name: str) -> ReplayReport:
    job = Replay(plan)
    before = {number: signal.signal(number, lambda *_: job.stop()) for number in _STOPPING}
    try:
        with ProgressBar(name) as bar:
            return job.run(bar.show)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _write(report: ReplayReport, file: BinaryIO) -> None:
    file.write(msgspec.json.format(msgspec.json.encode(report.as_map())))


def _print_report(report: ReplayReport) -> None:
    how = "stopped: sent" if report.interrupted else "sent"
    click.echo(
        f"{how} {report.events:,} events and {report.items:,} items "
        f"in {report.seconds:.2f} s, {report.events_per_second:,.0f} events/s, "
        f"at worst {report.worst_lag_ms:.0f} ms behind schedule; {report.bad_rows:,} bad rows"
    )
    for row in report.first_bad_rows:
        click.echo(f"{row.file}, line {row.line}: {row.reason}", err=True)
