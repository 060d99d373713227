"""Recorded logs: the events of a file in its order, and what its columns say of the items."""

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, TextIO

import msgspec

from models.errors import InvalidRecord
from models.events import Event, Item
from producers.csv_log import CsvLog
from producers.errors import UnusableLog
from producers.forms import LogForm, Row
from producers.items import read_items
from producers.json_log import JsonLog
from producers.lines import open_lines
from producers.reading import Lap, Reading

__all__ = ["Log", "first_events", "open_log", "read_log"]

# Events by which an item is ahead in a replay: at 2,000 a second it is a quarter of a second.
_AHEAD: Final = 500


class Log(msgspec.Struct, frozen=True):
    """A recorded log, not yet read.

    ``fingerprint`` is a hash of the file's bytes, so that event ids repeat with the log and only with
    it; ``run`` is put in front of them to make them new. ``items`` is a file of items given at the start.
    """

    path: Path
    fingerprint: str
    items: Path | None = None
    run: str = ""

    def read(self, reading: Reading, *, loop: bool = False) -> Iterator[Event | Item]:
        """Yield the records of the log as `read_log` does, but its items ahead of the events.

        A shop describes what it sells before anybody can look at it. Replayed at a thousand times its speed
        the log would leave a worker no time in between.
        """
        return _items_ahead(read_log(self, reading, loop=loop))


def open_log(path: Path, *, items: Path | None = None, run: str = "") -> Log:
    """Return the log at ``path``; reads the file once, for its fingerprint.

    Raises
    ------
    UnusableLog
        If the file cannot be read.
    """
    if path.exists() and not path.is_file():
        raise UnusableLog(path, "is no file: it is read more than once, write it to one first")
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=8))
    except OSError as error:
        raise UnusableLog(path, f"cannot be read: {error.strerror}") from error
    return Log(path, digest.hexdigest(), items, run)


def read_log(log: Log, reading: Reading, *, loop: bool = False) -> Iterator[Event | Item]:
    """Yield the log's events in the order of the file, with constant memory but for the items' ids.

    Where the log's columns say what an item is, its `Item` comes just before its first event; those of
    ``log.items`` come at the start. A row that cannot be read goes to ``reading``, and the rest goes on.

    Parameters
    ----------
    log
        The log, from `open_log`.
    reading
        The tally of the first lap; later laps only repeat it.
    loop
        Whether to start again for ever, with new ids and all times shifted by the log's span.

    Raises
    ------
    UnusableLog
        If the file is damaged, is empty, lacks a needed column or holds no usable row.
    """
    lap = Lap(log.fingerprint, log.run, 0, 0)
    opening = next(_read_lap(log, lap, Reading()), None)
    if opening is None:
        raise UnusableLog(log.path, "holds no usable row")
    if log.items is not None:
        yield from read_items(log.items, opening.ts, reading)
    yield from _read_lap(log, lap, reading)
    while loop:
        lap = lap.following(reading.span)
        yield from _read_lap(log, lap, reading.again())


def first_events(records: Iterable[Event | Item], limit: int | None) -> Iterator[Event | Item]:
    """Yield records until ``limit`` of them were events; all where it is None."""
    events = 0
    for record in records:
        yield record
        events += isinstance(record, Event)
        if events == limit:
            return


def _items_ahead(records: Iterator[Event | Item]) -> Iterator[Event | Item]:
    """Yield the same, each item as many events earlier as there are, up to `_AHEAD`."""
    waiting: deque[Event] = deque()
    try:
        for record in records:
            if isinstance(record, Event):
                waiting.append(record)
            if len(waiting) > _AHEAD:
                yield waiting.popleft()
            if isinstance(record, Item):
                yield record
    except UnusableLog:  # damaged further on: what was read is given first
        yield from waiting
        raise
    yield from waiting


def _read_lap(log: Log, lap: Lap, reading: Reading) -> Iterator[Event | Item]:
    with open_lines(log.path) as (stream, file):
        reading.watch(file)
        first = stream.readline()
        if not first:
            raise UnusableLog(log.path, "is empty")
        if first.startswith("{"):
            yield from _records(JsonLog(log.path, first), stream, lap, reading)
        else:
            yield from _records(CsvLog(log.path, first), stream, lap, reading)


def _records(form: LogForm[Row], stream: TextIO, lap: Lap, reading: Reading) -> Iterator[Event | Item]:
    described = reading.described
    for line, row in form.rows(stream, reading):
        try:
            event = form.event(row, line, lap)
            item = form.item(row, event) if event.item_id not in described else None
        except InvalidRecord as error:
            reading.reject(form.path, line, str(error))
            continue
        reading.accept(event.ts)
        if item is not None:
            described.add(item.item_id)
            yield item
        yield event
