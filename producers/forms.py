"""What a form of file must do to be read as a log or as a list of items."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, TextIO, TypeVar

from models.events import Event, Item
from producers.reading import Lap, Reading

__all__ = ["ItemForm", "LogForm", "Row", "Rows"]

# A row as the form hands it on: a list of cells, a line of JSON.
Row = TypeVar("Row")
_Row_co = TypeVar("_Row_co", covariant=True)


class Rows(Protocol[_Row_co]):
    """A file of rows, whose first line was read before to tell its form."""

    @property
    def path(self) -> Path:
        """The file, to be named where a row is bad."""

    def rows(self, stream: TextIO, reading: Reading) -> Iterator[tuple[int, _Row_co]]:
        """Yield the line where each row starts, from 1, and the row; reject what is no row."""


class LogForm(Rows[Row], Protocol[Row]):
    """A file of events; both methods raise `InvalidRecord` where a value is out of bounds."""

    def event(self, row: Row, line: int, lap: Lap) -> Event:
        """Return the event of the row that starts at ``line``."""

    def item(self, row: Row, event: Event) -> Item | None:
        """Return what the row says of the event's item, or None where it says nothing."""


class ItemForm(Rows[Row], Protocol[Row]):
    """A file of items."""

    def item(self, row: Row, ts: int) -> Item:
        """Return the item of the row, as known at ``ts``; `InvalidRecord` where a value is out of bounds."""
