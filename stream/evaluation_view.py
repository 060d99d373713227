"""What an evaluation says in the terminal."""

from collections.abc import Mapping

import click
import msgspec
from rich.console import Console
from rich.table import Table

from models.exam import PRODUCT
from models.metrics import Quality
from stream.evaluation_report import EvaluationReport
from stream.folds_table import folds_table
from stream.quality_table import chance_table, quality_table
from stream.story import line_of
from stream.views import Figures

__all__ = ["show_report"]


def show_report(name: str, report: EvaluationReport) -> None:
    """Print the figures of a log with this name."""
    speed = f"{report.events:,} events, {report.events_per_second:,.0f} events/s"
    _print(quality_table(_figures(report.quality)), f"{name}: {speed}")
    if report.folds:
        slices = len(next(iter(report.folds.values())).slices)
        _print(folds_table(report.folds), f"{name}: mean and spread of {slices} slices")
    _print(quality_table(_figures(report.segments), "events of"), f"{name}: Headrace by kind of event")
    if report.behaviour:
        _print(chance_table(report.behaviour), f"{name}: what views lead to")
        click.echo(f"More may come of {report.open_views:,} of these views.")
    if report.quality[PRODUCT].scored:
        ranges = (f"{figure} {low:.4f} to {high:.4f}" for figure, (low, high) in report.intervals.items())
        click.echo(f"Headrace with 95 % confidence: {', '.join(ranges)}")
    else:
        click.echo("No event was scored: a user's first event is not, nor one that repeats the latest item.")
    for decision in report.decisions:
        click.echo(line_of(decision))
    left_out = f"{report.dead_letters:,} dead letters, {report.duplicates:,} duplicates"
    click.echo(f"{report.bad_rows:,} bad rows, {left_out}")


def _print(table: Table, title: str) -> None:
    table.title = title
    Console().print(table)


def _figures(quality: Mapping[str, Quality]) -> dict[str, Figures]:
    return msgspec.convert(quality, dict[str, Figures], from_attributes=True)
