"""``headrace shop``: publish made-up traffic, or write it down."""

import time
from pathlib import Path
from typing import Any, BinaryIO, Final

import click

from producers.command import one_pace, publish, publishing
from producers.plan import ReplayPlan
from producers.shop.files import write_catalog, write_log, write_truth
from producers.shop.plan import ShopPlan
from producers.shop.shop import Shop
from producers.shop.traffic import Traffic

__all__ = ["shop"]

_NEW_FILE: Final = click.Path(dir_okay=False, writable=True, path_type=Path)
_USUAL: Final = ShopPlan()


@click.command()
@click.option("--seed", type=int, default=_USUAL.seed, show_default=True, help="Another one, another shop.")
@click.option("--users", type=int, default=_USUAL.users, show_default=True)
@click.option("--items", type=int, default=_USUAL.items, show_default=True)
@click.option("--days", type=float, default=_USUAL.days, show_default=True, help="Until the shop closes.")
@click.option("--views-per-day", type=float, default=_USUAL.views_per_day, show_default=True)
@click.option(
    "--drift-at", type=float, multiple=True, help="A sudden change of tastes, in days; as often as wanted."
)
@click.option(
    "--drift-share", type=float, default=_USUAL.drift_share, show_default=True, help="Of the users."
)
@click.option(
    "--impressions", type=int, default=0, help="Items shown in a list before a view, at most; up to 8."
)
@click.option("--bots", type=float, default=0.0, help="The share of the users who are none.")
@click.option("--truth", type=_NEW_FILE, help="Write what is true of the views as JSON Lines.")
@click.option("--log", type=_NEW_FILE, help="Write the events as JSON Lines instead of publishing them.")
@click.option("--catalog", type=_NEW_FILE, help="Write what the shop has when it opens as JSON Lines.")
@publishing
def shop(
    truth: Path | None, log: Path | None, catalog: Path | None, report_file: BinaryIO | None, **choices: Any
) -> None:
    """Publish made-up traffic of a shop whose tastes, delays, cycles and drifts are known.

    The same options make the same shop, event by event. Files may end in .gz or .zst.
    """
    one_pace(choices)
    if log is not None and (choices["rate"] or choices["speed"] or report_file is not None):
        raise click.UsageError("--log writes instead of publishing: leave out --rate, --speed and --json")
    plan, limit = _plan(choices), choices["limit"]
    try:
        _write(Shop(plan), limit, {"truth": truth, "catalog": catalog, "log": log})
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}") from error
    if log is None:
        publish(ReplayPlan(log=Traffic(plan), **choices), f"shop {plan.seed}", report_file)


def _write(made: Shop, limit: int | None, files: dict[str, Path | None]) -> None:
    """Write the files that are asked for, and say what they hold."""
    if (truth := files["truth"]) is not None:
        click.echo(f"{truth}: the truth of {write_truth(truth, made, limit):,} views")
    if (catalog := files["catalog"]) is not None:
        click.echo(f"{catalog}: {write_catalog(catalog, made):,} items")
    if (log := files["log"]) is not None:
        start = time.monotonic()
        events = write_log(log, made, limit)
        seconds = time.monotonic() - start
        click.echo(f"{log}: {events:,} events in {seconds:.2f} s, {events / seconds:,.0f} events/s")


def _plan(choices: dict[str, Any]) -> ShopPlan:
    """Return the shop of the choices, and leave those that are of the publication."""
    of_plan = {name: choices.pop(name) for name in _USUAL.__struct_fields__ if name in choices}
    try:
        return ShopPlan(**of_plan)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
