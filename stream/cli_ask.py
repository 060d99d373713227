"""``headrace status``, ``recommend`` and ``forget``: what a running worker is asked or told."""

from typing import Final

import click
import msgspec
from rich.console import Console
from rich.table import Table

from stream.client import Client
from stream.quality_table import quality_table

__all__ = ["as_json", "forget", "recommend", "status", "web"]

_SHOWN: Final = (
    *("ready", "usable", "duplicates", "forgotten", "dead_letters"),
    *("learnt", "lag", "rows", "users", "device"),
)
web = click.option(
    "--web", default="http://127.0.0.1:6066", show_default=True, metavar="URL", help="The worker's web port."
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")


@click.command()
@web
@as_json
def status(web: str, *, as_json: bool) -> None:
    """Ask a running worker how it stands."""
    view = Client(web).status()
    if as_json:
        _print_json(view)
        return
    counts = Table(show_header=False, box=None)
    for name in _SHOWN:
        counts.add_row(name.replace("_", " "), f"{getattr(view, name)}")
    for name, milliseconds in view.latency_ms.items():
        counts.add_row(f"latency {name}", f"{milliseconds:g} ms")
    Console().print(counts, quality_table(view.quality))


@click.command()
@click.argument("user")
@click.option("-k", "--count", type=click.IntRange(1, 1000), help="How many items.  [default: the worker's]")
@web
@as_json
def recommend(user: str, count: int | None, web: str, *, as_json: bool) -> None:
    """Ask a running worker what it recommends USER now; the popular items, where it never saw that user."""
    advice = Client(web).recommendations(user, count)
    if as_json:
        _print_json(advice)
        return
    items = Table("", "item", "score", "source", box=None)
    for place, item in enumerate(advice.items, start=1):
        items.add_row(f"{place}", item.item_id, f"{item.score:.3f}", item.source)
    Console().print(items)


@click.command()
@click.argument("user")
@web
@as_json
def forget(user: str, web: str, *, as_json: bool) -> None:
    """Have all that is known of USER erased, by whichever worker knows it, within 60 seconds."""
    asked = Client(web).forget(user)
    if as_json:
        _print_json(asked)
        return
    click.echo(f"asked for in {asked.topic}-{asked.partition} at offset {asked.offset}: done within 60 s")


def _print_json(answer: msgspec.Struct) -> None:
    click.echo(msgspec.json.format(msgspec.json.encode(answer)))
