"""Item files: what a shop says of its items, given before the first event of a log."""

import csv
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final, TextIO

import msgspec

from models.errors import InvalidRecord
from models.events import Item
from producers.cells import id_of, number_of, text_of
from producers.csv_log import csv_rows, split_category
from producers.errors import UnusableLog, shortened
from producers.forms import ItemForm, Row
from producers.json_log import decode_line, json_rows
from producers.lines import open_lines
from producers.reading import Reading

__all__ = ["read_items"]

_AVAILABLE: Final = {"": True, "true": True, "1": True, "false": False, "0": False}


def read_items(path: Path, ts: int, reading: Reading) -> Iterator[Item]:
    """Yield the items of a CSV file (``item`` or ``item_id``, ``title``, ...) or of JSON Lines.

    Parameters
    ----------
    path
        The file, plain, gzip or zstd.
    ts
        The time of the records, in milliseconds since the Unix epoch.
    reading
        Where bad rows are counted and the items noted as described.

    Raises
    ------
    UnusableLog
        If the file cannot be read, is empty or names no items.
    """
    with open_lines(path) as (stream, _):
        first = stream.readline()
        if first.startswith("{"):
            yield from _items(_JsonItems(path, first), stream, ts, reading)
        else:
            yield from _items(_CsvItems(path, first), stream, ts, reading)


def _items(form: ItemForm[Row], stream: TextIO, ts: int, reading: Reading) -> Iterator[Item]:
    for line, row in form.rows(stream, reading):
        try:
            item = form.item(row, ts)
        except InvalidRecord as error:
            reading.reject(form.path, line, str(error))
            continue
        reading.described.add(item.item_id)
        yield item


class _CsvItems:
    def __init__(self, path: Path, first: str) -> None:
        header = next(csv.reader((first,)), [])
        self._names = ["item" if name.strip() == "item_id" else name.strip() for name in header]
        self._first = first
        self.path = path
        if "item" not in self._names:
            raise UnusableLog(path, f"has no column 'item' (or 'item_id') in its header {shortened(header)}")

    def rows(self, stream: TextIO, reading: Reading) -> Iterator[tuple[int, list[str]]]:
        return csv_rows(self._first, stream, partial(reading.reject, self.path))

    def item(self, row: list[str], ts: int) -> Item:
        cells = dict(zip(self._names, row, strict=False))  # the empty cell past the end has no name
        text = {
            name: text_of(name, cells.get(name, "")) for name in ("title", "description", "category", "brand")
        }
        available = cells.get("available", "")
        if available.lower() not in _AVAILABLE:
            raise InvalidRecord("available", available, "must be true or false")
        return Item(
            item_id=id_of("item", cells["item"]),
            ts=ts,
            title=text["title"] or None,
            description=text["description"] or None,
            category=split_category(text["category"]),
            brand=text["brand"] or None,
            price=number_of("price", cells.get("price", "")),
            available=_AVAILABLE[available.lower()],
        )


class _Row(Item, frozen=True, kw_only=True):
    """An item of a file: its time is that of the stream it goes before."""

    ts: int = 0


class _JsonItems:
    _rows: Final = msgspec.json.Decoder(_Row)

    def __init__(self, path: Path, first: str) -> None:
        self.path = path
        self._first = first

    def rows(self, stream: TextIO, reading: Reading) -> Iterator[tuple[int, str]]:
        del reading  # every line that is not empty is a row
        return json_rows(self._first, stream)

    def item(self, row: str, ts: int) -> Item:
        found = decode_line(row, self._rows)
        id_of("item_id", found.item_id)
        fields: dict[str, Any] = {name: getattr(found, name) for name in Item.__struct_fields__}
        return Item(**{**fields, "ts": ts})
