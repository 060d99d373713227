"""What single cells of a log mean: times, names, ids and numbers, each total or an `InvalidRecord`."""

import math
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from models.errors import InvalidRecord
from models.events import MAX_ID_BYTES, MAX_INT64, Action

__all__ = ["action_of", "id_of", "millis_of", "note_of", "number_of", "position_of", "quantity_of", "text_of"]

# As seconds this is the year 5138, as milliseconds March 1973: above it a time is in milliseconds.
_MILLIS_FROM: Final = 100_000_000_000
# Beyond this a time is no date: 9999-12-31 in milliseconds.
_LATEST: Final = 253_402_300_799_999
# Of the largest number that a record can hold.
_DIGITS: Final = len(str(MAX_INT64))


def millis_of(cell: str) -> int:
    """Return the time in milliseconds since the Unix epoch.

    A number is in seconds up to 1e11 and in milliseconds above; anything else is ISO 8601, in UTC
    where it names no zone.

    Examples
    --------
    >>> millis_of("1569888000"), millis_of("1569888000000"), millis_of("2019-10-01T00:00:00Z")
    (1569888000000, 1569888000000, 1569888000000)
    """
    try:
        millis = _millis(cell)
    except (ValueError, OverflowError):
        raise InvalidRecord("ts", cell, "must be seconds, milliseconds or ISO 8601") from None
    if not 0 < millis <= _LATEST:
        raise InvalidRecord("ts", cell, "must be after 1970 and before 10000")
    return millis


def _millis(cell: str) -> int:
    # isdecimal alone admits digits of other scripts, which int() reads as well.
    if cell.isdecimal():
        whole = int(cell)
        return whole if whole > _MILLIS_FROM else whole * 1000
    try:
        number = float(cell)
    except ValueError:
        moment = datetime.fromisoformat(cell)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return round(moment.timestamp() * 1000)
    return round(number if number > _MILLIS_FROM else number * 1000)


# Names come from the file: a small bound, since there are about twenty good ones.
@lru_cache(maxsize=64)
def action_of(cell: str) -> Action:
    """Return the action of that name or alias."""
    try:
        return Action(cell)
    except ValueError:
        raise InvalidRecord("event", cell, "is no known event") from None


def id_of(name: str, cell: str) -> str:
    """Return the id, which must have 1 to 256 bytes of UTF-8."""
    size = len(cell) if cell.isascii() else len(text_of(name, cell).encode())
    if not 0 < size <= MAX_ID_BYTES:
        raise InvalidRecord(name, cell, f"must have 1 to {MAX_ID_BYTES} bytes")
    return cell


def note_of(name: str, cell: str) -> str | None:
    """Return the shop's own identifier, or None where the cell is empty."""
    return id_of(name, cell) if cell else None


def text_of(name: str, cell: str) -> str:
    """Return the text, which must have come from valid UTF-8."""
    try:
        cell.encode()
    except UnicodeEncodeError:
        raise InvalidRecord(name, cell, "must be UTF-8") from None
    return cell


def number_of(name: str, cell: str) -> float | None:
    """Return the number, or None where the cell is empty.

    Examples
    --------
    >>> number_of("price", "35.79"), number_of("price", "")
    (35.79, None)
    """
    if not cell:
        return None
    try:
        number = float(cell)
    except ValueError:
        raise InvalidRecord(name, cell, "must be a number") from None
    if not math.isfinite(number):
        raise InvalidRecord(name, cell, "must be finite")
    return number


def quantity_of(cell: str) -> int | float | None:
    """Return the quantity, whole where it is, or None where the cell is empty.

    Examples
    --------
    >>> quantity_of("6"), quantity_of("0.5")
    (6, 0.5)
    """
    number = number_of("quantity", cell)
    if number is None or not number.is_integer():
        return number
    if abs(number) > MAX_INT64:
        raise InvalidRecord("quantity", cell, "is too large")
    return int(number)


def position_of(cell: str) -> int | None:
    """Return the place in a recommendation, 0 or more, or None where the cell is empty."""
    if not cell:
        return None
    if not cell.isdecimal():
        raise InvalidRecord("position", cell, "must be a whole number, 0 or more")
    if len(cell) > _DIGITS or int(cell) > MAX_INT64:
        raise InvalidRecord("position", cell, "is too large")
    return int(cell)
