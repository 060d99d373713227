"""The CSV form of a log: a header that names the columns, one event a row."""

import csv
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Final, NamedTuple, TextIO

from models.events import Action, Event, Item
from producers.cells import action_of, id_of, millis_of, note_of, number_of, position_of, quantity_of, text_of
from producers.errors import UnusableLog, shortened
from producers.reading import Lap, Reading

__all__ = ["CsvLog", "csv_rows", "split_category"]

# Columns that say what an item is; a price alone is that of the order line.
_FACTS: Final = ("title", "description", "category", "brand")


class _Columns(NamedTuple):
    """Where each field stands in a row; one that the header lacks stands in the empty cell past its end."""

    ts: int
    user: int
    item: int
    event: int
    event_id: int
    session: int
    price: int
    quantity: int
    order: int
    recommendation_id: int
    position: int
    title: int
    description: int
    category: int
    brand: int


_ALIASES: Final = {"user_id": "user", "item_id": "item", "session_id": "session", "order_id": "order"}


class CsvLog:
    """Reads the rows of a CSV log, whose first line is its header.

    Raises
    ------
    UnusableLog
        If the header lacks the time, the user or the item.

    Examples
    --------
    >>> log = CsvLog(Path("shop.csv"), "ts,user,item")
    >>> log.event(["7", "u1", "i1", ""], 0, Lap("a1b2", "", 0, 0)).ts
    7000
    """

    def __init__(self, path: Path, first: str) -> None:
        header = next(csv.reader((first,)))
        self._columns = _find_columns(header)
        lacking = [name for name in ("ts", "user", "item") if getattr(self._columns, name) == len(header)]
        if lacking:
            needs = "needs ts, user (or user_id) and item (or item_id)"
            raise UnusableLog(
                path, f"has no column {lacking[0]!r} in its header {shortened(header)}; a log {needs}"
            )
        self._first = first
        self.path = path
        self._always_views = self._columns.event == len(header)
        self._has_facts = any(getattr(self._columns, name) < len(header) for name in _FACTS)

    def rows(self, stream: TextIO, reading: Reading) -> Iterator[tuple[int, list[str]]]:
        """Yield the line where each row starts, from 1, and its cells; rejects the rows that are none."""
        return csv_rows(self._first, stream, partial(reading.reject, self.path))

    def event(self, row: list[str], line: int, lap: Lap) -> Event:
        """Return the event of the row that starts at ``line``; `InvalidRecord` says which cell is wrong."""
        at = self._columns
        return Event(
            event_id=lap.event_id(line, row[at.event_id]),
            event=Action.VIEW_ITEM if self._always_views else action_of(row[at.event]),
            ts=millis_of(row[at.ts]) + lap.shift,
            user_id=id_of("user", row[at.user]),
            item_id=id_of("item", row[at.item]),
            session_id=note_of("session", row[at.session]),
            quantity=quantity_of(row[at.quantity]),
            price=number_of("price", row[at.price]),
            order_id=note_of("order", row[at.order]),
            recommendation_id=note_of("recommendation_id", row[at.recommendation_id]),
            position=position_of(row[at.position]),
        )

    def item(self, row: list[str], event: Event) -> Item | None:
        """Return what the row says of the event's item, or None where no column does."""
        if not self._has_facts:
            return None
        at = self._columns
        return Item(
            item_id=event.item_id,
            ts=event.ts,
            title=text_of("title", row[at.title]) or None,
            description=text_of("description", row[at.description]) or None,
            category=split_category(text_of("category", row[at.category])),
            brand=text_of("brand", row[at.brand]) or None,
            price=event.price,
        )


def split_category(path: str) -> tuple[str, ...]:
    """Return the category path, root first.

    Examples
    --------
    >>> split_category("appliances/environment/water_heater")
    ('appliances', 'environment', 'water_heater')
    """
    return tuple(part for part in path.split("/") if part)


def _find_columns(header: list[str]) -> _Columns:
    places = {_ALIASES.get(name.strip(), name.strip()): place for place, name in enumerate(header)}
    return _Columns(*(places.get(name, len(header)) for name in _Columns._fields))


def csv_rows(
    first: str, stream: TextIO, reject: Callable[[int, str], None]
) -> Iterator[tuple[int, list[str]]]:
    """Yield the line where each row starts, from 1, and its cells with an empty one behind them.

    ``first`` is the header's line, ``stream`` what follows it. A row of another width is rejected;
    an empty line is no row.
    """
    reader = csv.reader(chain((first,), stream))
    width = len(next(reader))
    while True:
        # A quoted cell may hold line breaks: line_num is where the row before ended.
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            reject(line, str(error))
            continue
        if len(cells) == width:
            cells.append("")
            yield line, cells
        elif cells:
            reject(line, f"has {len(cells)} cells, the header {width}")
