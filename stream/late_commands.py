"""Groups of commands of which each is imported when it is called."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, NamedTuple

import click

__all__ = ["LateCommands", "Place"]


class Place(NamedTuple):
    """The module of a command, which has its name, and what it is for."""

    module: str
    says: str


class LateCommands(click.Group):
    """A group that imports a command when it is called: torch or Kafka would cost the others seconds.

    Parameters
    ----------
    places
        Of the commands, by name.
    """

    def __init__(self, *args: Any, places: Mapping[str, Place], **extra: Any) -> None:
        super().__init__(*args, **extra)
        self._places = places

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        del ctx
        return list(self._places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, None where there is none of the name."""
        del ctx
        if cmd_name not in self._places:
            return None
        command: click.Command = getattr(import_module(self._places[cmd_name].module), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what each command is for."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, place.says) for name, place in self._places.items()])
