"""``headrace decisions`` and ``retrain``: what was decided of the model, and a challenger on demand."""

from typing import Final

import click
import msgspec

from stream.cli_ask import as_json, web
from stream.client import Client
from stream.story import line_of

__all__ = ["decisions", "retrain"]

_MOST: Final = 1_000


@click.command()
@click.option(
    "-n", "--count", type=click.IntRange(1, _MOST), default=50, show_default=True, help="The last so many."
)
@web
@as_json
def decisions(count: int, web: str, *, as_json: bool) -> None:
    """Tell what was decided and why: alarms, retrains, promotions, rollbacks, erasures."""
    for decision in Client(web).decisions(count):
        click.echo(msgspec.json.encode(decision).decode() if as_json else line_of(decision))


@click.command()
@click.option("--reason", default="", help="Why: it stands with the decisions.")
@web
@as_json
def retrain(reason: str, web: str, *, as_json: bool) -> None:
    """Have a challenger trained and judged beside the model that serves, whatever the schedule says."""
    asked = Client(web).retrain(reason)
    if as_json:
        click.echo(msgspec.json.encode(asked).decode())
        return
    click.echo(
        f"asked for at offset {asked.offset} of {asked.topic}: `headrace decisions` tells what comes of it"
    )
