"""``headrace checkpoint``: what a worker has saved of its model."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from models.checkpoint import Checkpoints, Loaded
from models.checkpoint_chain import Examined, examined
from models.errors import ModelError
from stream.settings import Settings

__all__ = ["checkpoint"]


@click.group()
def checkpoint() -> None:
    """Look into the checkpoints of the model."""


@checkpoint.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), required=False)
def inspect(folder: Path | None) -> None:
    """Check every file of a FOLDER of checkpoints, and show what a worker would start from.

    Without FOLDER it is the one of a worker with these settings. Nothing is changed, so the worker may run.
    """
    folder = folder or Settings.read().data_dir / "model"
    try:
        files = list(examined(folder))
        if not files:
            raise click.ClickException(
                f"there are no checkpoints in {folder}: a worker that learns writes them"
            )
        Console().print(_files(files))
        for file in files:
            if file.wrong:
                click.echo(f" {file.name}: {file.wrong}")
        Console().print(_outcome(Checkpoints(folder).load()))
    except (ModelError, OSError) as error:
        raise click.ClickException(str(error)) from error


def _files(files: list[Examined]) -> Table:
    table = Table(box=None)
    for name in ("kind", "version", "base", "when (UTC)", "rows", "removed", "bytes", "file"):
        table.add_column(name, no_wrap=True)
    for file in files:
        table.add_row(*_described(file), f"{file.size:,}", "broken" if file.wrong else "valid")
    return table


def _described(file: Examined) -> list[str]:
    """Return what the header says, or what the name does where the header is broken."""
    if file.header is None:
        version, _, kind = file.name.partition(".")
        return [kind, f"{int(version)}", "", "", "", ""]
    header = file.header
    when = datetime.fromtimestamp(header.written / 1000, UTC)
    counts = [f"{header.count(section):,}" for section in ("key", "removed")]
    base = "" if header.base is None else f"{header.base.version}"
    return [header.kind, f"{header.mark.version}", base, f"{when:%Y-%m-%d %H:%M:%S}", *counts]


def _outcome(loaded: Loaded) -> Table:
    """Return what would be loaded: version, rows, and the small state with its scalars."""
    if loaded.snapshot is None:
        raise click.ClickException(f"no file leads to a whole state; the first: {loaded.passed_over[0]}")
    table = Table("a worker starts from", "", box=None)
    table.add_row("version", f"{loaded.snapshot.version}")
    table.add_row("rows", f"{len(loaded.snapshot.rows.key):,}")
    for key, value in loaded.snapshot.dense.items():
        table.add_row(key, _shown(value))
    for reason in loaded.passed_over:
        table.add_row("passed over", reason)
    return table


def _shown(value: Any) -> str:
    if value is None or isinstance(value, bool | int | float | str):
        return f"{value}"
    return f"{type(value).__name__} of {len(value):,}"
