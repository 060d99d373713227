"""The JSON Lines form of a log: one event a line, as on the topics."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Final, TextIO, TypeVar

import msgspec

from models.errors import InvalidRecord
from models.events import Event, Item
from producers.cells import id_of
from producers.reading import Lap, Reading

__all__ = ["JsonLog", "decode_line", "json_rows"]


class _Row(Event, frozen=True, kw_only=True):
    """An event of a log: its id may be missing, and it may say what the item is."""

    event_id: str = ""
    title: str | None = None
    description: str | None = None
    category: tuple[str, ...] = ()
    brand: str | None = None


_Form = TypeVar("_Form")
_ROWS: Final = msgspec.json.Decoder(_Row)
_FIELDS: Final = Event.__struct_fields__


class JsonLog:
    """Reads the rows of a JSON Lines log; its times are milliseconds, as on the topics.

    Examples
    --------
    >>> row = '{"event": "view", "ts": 7, "user_id": "u1", "item_id": "i1"}'
    >>> JsonLog(Path("shop.jsonl"), row).event(row, 1, Lap("a1b2", "", 0, 0)).event_id
    'a1b2-0-000000001'
    """

    def __init__(self, path: Path, first: str) -> None:
        self.path = path
        self._first = first

    def rows(self, stream: TextIO, reading: Reading) -> Iterator[tuple[int, str]]:
        """Yield each line that is not empty, and its number from 1."""
        del reading  # every line that is not empty is a row
        return json_rows(self._first, stream)

    def event(self, row: str, line: int, lap: Lap) -> Event:
        """Return the event of the row at ``line``; `InvalidRecord` says what is wrong with it."""
        found = decode_line(row, _ROWS)
        id_of("user_id", found.user_id)
        id_of("item_id", found.item_id)
        fields = {name: getattr(found, name) for name in _FIELDS}
        fields["event_id"] = lap.event_id(line, found.event_id)
        fields["ts"] = found.ts + lap.shift
        return Event(**fields)

    def item(self, row: str, event: Event) -> Item | None:
        """Return what the row says of the event's item, or None where it says nothing."""
        found = decode_line(row, _ROWS)
        facts = (found.title, found.description, found.category, found.brand)
        if not any(facts):
            return None
        title, description, category, brand = facts
        return Item(
            item_id=event.item_id,
            ts=event.ts,
            title=title,
            description=description,
            category=category,
            brand=brand,
            price=found.price,
        )


def json_rows(first: str, stream: TextIO) -> Iterator[tuple[int, str]]:
    """Yield each line that is not empty, and its number from 1; ``first`` was read off ``stream`` before."""
    for number, line in enumerate(chain((first,), stream), 1):
        if not line.isspace():
            yield number, line


def decode_line(line: str, decoder: msgspec.json.Decoder[_Form]) -> _Form:
    """Return the record in ``line``, or raise `InvalidRecord`."""
    try:
        return decoder.decode(line)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise InvalidRecord("line", line, str(error)) from error
