"""The progress bar of a replay, on standard error where that is a terminal."""

from typing import Self

from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as RichProgress

from producers.report import Progress

__all__ = ["ProgressBar"]


class ProgressBar:
    """Shows how far a replay is; shows nothing where nobody watches.

    Examples
    --------
    >>> with ProgressBar("shop.csv") as bar:
    ...     bar.show(Progress(sent=10, fraction=0.5))
    """

    def __init__(self, name: str) -> None:
        console = Console(stderr=True)
        self._bar = RichProgress(
            TextColumn(name),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[sent]:,} events"),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task(name, total=1.0, sent=0)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def show(self, progress: Progress) -> None:
        """Draw the bar anew."""
        self._bar.update(self._task, completed=progress.fraction, sent=progress.sent)
