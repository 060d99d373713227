"""``headrace replay``: publish a recorded log. ``python -m producers.replay`` is the same."""

import logging
import signal
import sys
from pathlib import Path
from typing import Any, BinaryIO, Final

import click
import msgspec

from producers.bar import ProgressBar
from producers.errors import ProducerError, Undelivered
from producers.logs import open_log
from producers.plan import ReplayPlan
from producers.replayer import Replay
from producers.report import ReplayReport

__all__ = ["main", "replay"]

_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
_PARTITIONS: Final = "Of topics that do not exist yet.  [default: 4]"
_TIMEOUT: Final = "Seconds the broker may leave a record unconfirmed.  [default: 30]"
# An event id has 256 bytes, some of which the log's hash, the lap and the row take.
_RUN_BYTES: Final = 64
_STOPPING: Final = (signal.SIGINT, signal.SIGTERM)
# What a shell reports of a command that Ctrl-C ended.
_INTERRUPTED: Final = 130


@click.command()
@click.argument("log", type=_FILE)
@click.option("--items", type=_FILE, help="Items to put on the catalog first: CSV or JSON Lines.")
@click.option("--rate", type=click.FloatRange(min=0, min_open=True), help="Events a second.")
@click.option("--speed", type=click.FloatRange(min=0, min_open=True), help="Times the recorded pace.")
@click.option("--limit", type=click.IntRange(min=1), help="Stop after so many events.")
@click.option("--loop", is_flag=True, help="Start the log again for ever, later by its span.")
@click.option("--run", default="", metavar="NAME", help="Make the event ids new; a second run repeats them.")
@click.option("--processes", type=click.IntRange(min=1), default=1, show_default=True)
@click.option("--broker", envvar="HEADRACE_BROKER", default="127.0.0.1:9092", show_default=True)
@click.option("--topic-prefix", "prefix", envvar="HEADRACE_TOPIC_PREFIX", default="")
@click.option(
    "--partitions", envvar="HEADRACE_PARTITIONS", type=click.IntRange(min=1), default=4, help=_PARTITIONS
)
@click.option("--timeout", type=click.FloatRange(min=0, min_open=True), default=30.0, help=_TIMEOUT)
@click.option("--json", "report_file", type=click.File("wb", lazy=True), help="Write the report to a file.")
def replay(log: Path, report_file: BinaryIO | None, **choices: Any) -> None:
    """Publish the events of LOG, and what it says of the items, to Kafka."""
    # While a broker is away its clients log every attempt; what came of it is said once, below.
    for client in ("aiokafka", "kafka"):
        logging.getLogger(client).setLevel(logging.CRITICAL)
    try:
        report = _run(_plan(log, choices), log.name)
    except ProducerError as error:
        if isinstance(error, Undelivered) and report_file is not None:
            _write(error.report, report_file)
        raise click.ClickException(str(error)) from error
    if report_file is not None:
        _write(report, report_file)
    _print_report(report)
    if report.interrupted:
        click.get_current_context().exit(_INTERRUPTED)


def _plan(log: Path, choices: dict[str, Any]) -> ReplayPlan:
    items, run = choices.pop("items"), choices.pop("run")
    if len(run.encode()) > _RUN_BYTES:
        raise click.UsageError(f"--run has at most {_RUN_BYTES} bytes: choose a shorter name")
    if choices["rate"] and choices["speed"]:
        raise click.UsageError("--rate and --speed exclude each other: choose one")
    return ReplayPlan(log=open_log(log, items=items, run=run), **choices)


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


def main() -> None:
    """Run the command; whatever is wrong is one line and an exit status."""
    try:
        sys.exit(replay.main(standalone_mode=False))
    except click.ClickException as error:
        click.echo(f"headrace replay: {error.format_message()}", err=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
