"""``headrace replay``: publish a recorded log. ``python -m producers.replay`` is the same."""

import sys
from pathlib import Path
from typing import Any, BinaryIO, Final

import click

from producers.command import one_pace, publish, publishing
from producers.errors import ProducerError
from producers.logs import Log, open_log
from producers.plan import ReplayPlan

__all__ = ["main", "replay"]

_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
# An event id has 256 bytes, some of which the log's hash, the lap and the row take.
_RUN_BYTES: Final = 64


@click.command()
@click.argument("log", type=_FILE)
@click.option("--items", type=_FILE, help="Items to put on the catalog first: CSV or JSON Lines.")
@click.option("--loop", is_flag=True, help="Start the log again for ever, later by its span.")
@click.option("--run", default="", metavar="NAME", help="Make the event ids new; a second run repeats them.")
@publishing
def replay(log: Path, report_file: BinaryIO | None, **choices: Any) -> None:
    """Publish the events of LOG, and what it says of the items, to Kafka."""
    items, run = choices.pop("items"), choices.pop("run")
    if len(run.encode()) > _RUN_BYTES:
        raise click.UsageError(f"--run has at most {_RUN_BYTES} bytes: choose a shorter name")
    one_pace(choices)
    publish(ReplayPlan(log=_opened(log, items, run), **choices), log.name, report_file)


def _opened(log: Path, items: Path | None, run: str) -> Log:
    try:
        return open_log(log, items=items, run=run)
    except ProducerError as error:
        raise click.ClickException(str(error)) from error


def main() -> None:
    """Run the command; whatever is wrong is one line and an exit status."""
    try:
        sys.exit(replay.main(standalone_mode=False))
    except click.ClickException as error:
        click.echo(f"headrace replay: {error.format_message()}", err=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
