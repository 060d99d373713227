"""The command ``headrace``."""

import sys
from importlib import import_module
from typing import Any, Final, NamedTuple, NoReturn

import click

from producers.errors import ProducerError
from stream.errors import StreamError

__all__ = ["main"]

# What a shell reports of a command that Ctrl-C ended.
_INTERRUPTED: Final = 130


class _Place(NamedTuple):
    module: str
    says: str


# A command is imported when it is called: torch or Kafka's client alone would cost the others seconds.
_COMMANDS: Final = {
    "bench": _Place("stream.bench.commands", "Measure on this machine what the README quotes."),
    "broker": _Place("stream.cli_broker", "Run a Kafka on this machine alone, until Ctrl-C."),
    "checkpoint": _Place("stream.cli_checkpoint", "Look into the checkpoints of the model."),
    "decisions": _Place("stream.cli_decide", "Tell what was decided of the model, and why."),
    "demo": _Place("stream.cli_demo", "Show it all at work on a recorded log of a real shop."),
    "evaluate": _Place("stream.cli_evaluate", "Test and train over recorded logs, without Kafka."),
    "forget": _Place("stream.cli_ask", "Have all that is known of USER erased."),
    "recommend": _Place("stream.cli_ask", "Ask a running worker what it recommends USER now."),
    "replay": _Place("producers.cli", "Publish the events of a recorded LOG to Kafka."),
    "retrain": _Place("stream.cli_decide", "Have a challenger trained and judged."),
    "shop": _Place("producers.cli", "Publish made-up traffic of a shop whose truth is known."),
    "status": _Place("stream.cli_ask", "Ask a running worker how it stands."),
}


class _Commands(click.Group):
    """A group whose commands are imported when they are called, and whose errors are one line each."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = getattr(import_module(_COMMANDS[cmd_name].module), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, place.says) for name, place in _COMMANDS.items()])

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


@click.group(cls=_Commands)
def main() -> None:
    """Headrace: a streaming online-learning recommender for e-commerce."""
