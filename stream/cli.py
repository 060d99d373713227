"""The command ``headrace``."""

import sys
from typing import Any, Final, NoReturn

import click

from producers.errors import ProducerError
from stream.errors import StreamError
from stream.late_commands import LateCommands, Place

__all__ = ["main"]

# What a shell reports of a command that Ctrl-C ended.
_INTERRUPTED: Final = 130


_COMMANDS: Final = {
    "bench": Place("stream.bench.commands", "Measure on this machine what the README quotes."),
    "broker": Place("stream.cli_broker", "Run a Kafka on this machine alone, until Ctrl-C."),
    "checkpoint": Place("stream.cli_checkpoint", "Look into the checkpoints of the model."),
    "decisions": Place("stream.cli_decide", "Tell what was decided of the model, and why."),
    "demo": Place("stream.cli_demo", "Show it all at work on a recorded log of a real shop."),
    "evaluate": Place("stream.cli_evaluate", "Test and train over recorded logs, without Kafka."),
    "forget": Place("stream.cli_ask", "Have all that is known of USER erased."),
    "recommend": Place("stream.cli_ask", "Ask a running worker what it recommends USER now."),
    "replay": Place("producers.cli", "Publish the events of a recorded LOG to Kafka."),
    "retrain": Place("stream.cli_decide", "Have a challenger trained and judged."),
    "shop": Place("producers.cli", "Publish made-up traffic of a shop whose truth is known."),
    "status": Place("stream.cli_ask", "Ask a running worker how it stands."),
}


class _Commands(LateCommands):
    """The commands, whose errors are one line each."""

    def main(self, *args: Any, **extra: Any) -> NoReturn:
        """Run a command and exit: with 2 if it was called wrongly, with 1 if it failed."""
        try:
            status = super().main(*args, **{**extra, "standalone_mode": False})
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            sys.exit(error.exit_code)
        except click.UsageError as error:
            path = error.ctx.command_path if error.ctx else "headrace"
            _fail(f"{path}: {error.format_message()} (see {path} --help)", error.exit_code)
        except click.ClickException as error:
            _fail(f"headrace: {error.format_message()}", error.exit_code)
        except (StreamError, ProducerError) as error:
            _fail(f"headrace: {error}", 1)
        except click.Abort:
            sys.exit(_INTERRUPTED)
        sys.exit(status)


def _fail(message: str, status: int) -> NoReturn:
    click.echo(" ".join(message.split()), err=True)
    sys.exit(status)


@click.group(cls=_Commands, places=_COMMANDS)
def main() -> None:
    """Headrace: a streaming online-learning recommender for e-commerce."""
