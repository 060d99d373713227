"""Records as bytes: total decoding of what strangers send, and encoding of what Headrace sends.

A `Decoder` either returns a valid record or raises `InvalidRecord` with the field and the value;
nothing else comes out of it, whatever the bytes are.
"""

import math
import re
from typing import Any, Final, Generic, TypeVar

import msgspec

from models.errors import InvalidRecord
from models.events import MAX_ID_BYTES, Event, Forget, Item, Review

__all__ = ["EVENTS", "FORGETS", "ITEMS", "MAX_AHEAD_MS", "MAX_RECORD_BYTES", "REVIEWS", "Decoder", "encode"]

# A record of ours is under 4 KiB and a catalog text under 100 KiB; beyond this it is a mistake.
MAX_RECORD_BYTES: Final = 512 * 1024
# The contract: a time may be up to a day ahead of the clock.
MAX_AHEAD_MS: Final = 86_400_000

_Record = TypeVar("_Record", Event, Item, Review, Forget)
_JSON_STARTS: Final = (b"{", b" ", b"\t", b"\r", b"\n")
_FIELD: Final = re.compile(r"(?:field|at) `(?:\$\.)?(\w+)")
_NUMBERS: Final = ("price", "quantity")

encode = msgspec.msgpack.Encoder().encode


class Decoder(Generic[_Record]):
    """Reads one form of record, msgpack or JSON, and checks what the contract bounds.

    Parameters
    ----------
    form
        The struct to read.
    key_field
        The field whose UTF-8 bytes must be the Kafka key, so that a user is never split over partitions.

    Examples
    --------
    >>> raw = b'{"event_id":"e1","event":"buy","ts":7,"user_id":"u","item_id":"i"}'
    >>> EVENTS.decode(raw, key=b"u", now=7).event
    <Action.PURCHASE: 'purchase'>
    """

    def __init__(self, form: type[_Record], key_field: str) -> None:
        self._json: msgspec.json.Decoder[_Record] = msgspec.json.Decoder(form)
        self._msgpack: msgspec.msgpack.Decoder[_Record] = msgspec.msgpack.Decoder(form)
        self._key_field = key_field
        names = form.__struct_fields__
        self._ids = tuple(name for name in names if name in ("event_id", "review_id", "user_id", "item_id"))
        self._numbers = tuple(name for name in _NUMBERS if name in names)

    def decode(self, raw: bytes | None, key: bytes | None, now: int) -> _Record:
        """Return the record in ``raw``; ``now`` is the clock in milliseconds since the Unix epoch.

        Raises
        ------
        InvalidRecord
            If the bytes are no record of this form, a value is out of bounds, or the key is another's.
        """
        if raw is None:
            raise InvalidRecord("value", None, "must not be null")
        if len(raw) > MAX_RECORD_BYTES:
            raise InvalidRecord("value", f"{len(raw)} bytes", f"must be at most {MAX_RECORD_BYTES} bytes")
        try:
            record = self._json.decode(raw) if _is_json(raw) else self._msgpack.decode(raw)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            raise _explain(raw, error) from error
        if len(raw) > MAX_ID_BYTES:  # no id of a shorter record is too long
            self._check_ids(record)
        self._check(record, key, now)
        return record

    def _check_ids(self, record: _Record) -> None:
        for name in self._ids:
            value: str = getattr(record, name)
            if len(value.encode()) > MAX_ID_BYTES:
                raise InvalidRecord(name, value, f"must be at most {MAX_ID_BYTES} bytes of UTF-8")

    def _check(self, record: _Record, key: bytes | None, now: int) -> None:
        for name in self._numbers:
            number: float | None = getattr(record, name)
            if number is not None and not math.isfinite(number):
                raise InvalidRecord(name, number, "must be finite")
        if record.ts is not None and record.ts > now + MAX_AHEAD_MS:
            raise InvalidRecord("ts", record.ts, f"must be at most a day ahead of the clock, {now}")
        owner: str = getattr(record, self._key_field)
        if key != owner.encode():
            raise InvalidRecord("key", key, f"must be the record's {self._key_field}, {owner!r}")


def _is_json(raw: bytes) -> bool:
    return raw.startswith(_JSON_STARTS)


def _explain(raw: bytes, error: Exception) -> InvalidRecord:
    """Return the error with the field that msgspec names and the value that stands there."""
    named = _FIELD.findall(str(error))
    if not named:
        return InvalidRecord("value", raw[:64], str(error) or type(error).__name__)
    field = named[-1]  # msgspec's own stands last; one before it was in the value
    reason = re.sub(r" - at `.*", "", str(error))
    reason = reason[:1].lower() + reason[1:]
    return InvalidRecord(field, _value_of(field, raw), reason)


def _value_of(field: str, raw: bytes) -> Any:
    """Return the offending value, or the first bytes where even untyped reading fails."""
    try:
        fields = msgspec.json.decode(raw) if _is_json(raw) else msgspec.msgpack.decode(raw)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return raw[:64]
    return fields.get(field) if isinstance(fields, dict) else fields


EVENTS: Final = Decoder(Event, "user_id")
ITEMS: Final = Decoder(Item, "item_id")
REVIEWS: Final = Decoder(Review, "item_id")
FORGETS: Final = Decoder(Forget, "user_id")
