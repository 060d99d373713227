"""Laws of reading and writing records: whatever the bytes are, a valid record or an `InvalidRecord`."""

import json
import math
from typing import Any

import msgpack
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.codec import EVENTS, FORGETS, ITEMS, MAX_RECORD_BYTES, REVIEWS, Decoder, encode
from models.errors import InvalidRecord
from models.events import Action, Event, Forget, Item, Review

NOW = 1_700_000_000_000
DAY_MS = 86_400_000
FIELDS: dict[str, Any] = {"event_id": "e1", "event": "buy", "ts": NOW, "user_id": "ann", "item_id": "hat"}
# JSON numbers that the json module cannot write.
LONG_NUMBER = b"9" * 5_000
DEEP = 100_000

AnyDecoder = Decoder[Event] | Decoder[Item] | Decoder[Review] | Decoder[Forget]
decoders = st.sampled_from((EVENTS, ITEMS, REVIEWS, FORGETS))
ids = st.text(st.characters(codec="utf-8"), min_size=1, max_size=80).filter(lambda s: len(s.encode()) <= 256)
numbers = st.integers(-(2**63) + 1, 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
events = st.builds(
    Event,
    event_id=ids,
    event=st.sampled_from(Action),
    ts=st.integers(1, NOW + DAY_MS),
    user_id=ids,
    item_id=ids,
    session_id=st.none() | ids,
    quantity=st.none() | numbers,
    price=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    order_id=st.none() | ids,
    recommendation_id=st.none() | ids,
    position=st.none() | st.integers(0, 2**63 - 1),
)
# What any client might put into a map: also keys that are no strings, and bytes.
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.integers(0, 9), inner, max_size=3)
    ),
    max_leaves=5,
)


def read(raw: bytes | None, key: bytes | None = b"ann") -> Event:
    return EVENTS.decode(raw, key, NOW)


def outcome(decoder: AnyDecoder, raw: bytes, key: bytes | None) -> str:
    """Return the record or the refusal in words; anything else that is raised is a failure."""
    try:
        return repr(decoder.decode(raw, key, NOW))
    except InvalidRecord as error:
        return str(error)


def as_json(**changes: object) -> bytes:
    return json.dumps(FIELDS | changes).encode()


def as_msgpack(**changes: object) -> bytes:
    packed: bytes = msgpack.packb(FIELDS | changes)
    return packed


def with_number(name: bytes, number: bytes) -> bytes:
    return as_json()[:-1] + b',"' + name + b'":' + number + b"}"


@given(events)
def test_what_is_encoded_is_decoded_the_same(event: Event) -> None:
    assert read(encode(event), event.user_id.encode()) == event


@given(events)
def test_the_package_msgpack_writes_and_reads_the_same_events(event: Event) -> None:
    fields = msgspec.to_builtins(event)
    assert msgpack.unpackb(encode(event)) == fields
    assert read(msgpack.packb(fields), event.user_id.encode()) == event


@given(events)
def test_json_is_read_as_well_as_msgpack(event: Event) -> None:
    key = event.user_id.encode()
    assert read(json.dumps(msgspec.to_builtins(event)).encode(), key) == event
    assert read(b" \r\n\t" + msgspec.json.encode(event), key) == event


@given(st.dictionaries(st.text(min_size=1).filter(lambda name: name not in Event.__struct_fields__), values))
def test_unknown_fields_are_passed_over(unknown: dict[str, Any]) -> None:
    assert read(msgpack.packb(FIELDS | unknown)) == read(as_msgpack())


@settings(max_examples=120)
@given(decoders, st.binary() | st.binary().map(b"{".__add__), st.none() | st.binary(max_size=4))
def test_any_bytes_at_all_are_a_record_or_refused(
    decoder: AnyDecoder,
    raw: bytes,
    key: bytes | None,
) -> None:
    assert outcome(decoder, raw, key)


@settings(max_examples=120)
@given(
    decoders,
    st.dictionaries(st.sampled_from(Event.__struct_fields__ + Item.__struct_fields__), values),
    st.booleans(),
)
def test_any_values_in_the_fields_are_a_record_or_refused(
    decoder: AnyDecoder,
    fields: dict[str, Any],
    typed: bool,  # noqa: FBT001 - drawn
) -> None:
    fields = FIELDS | {"review_id": "r"} | fields if typed else fields
    assert outcome(decoder, msgpack.packb(fields), b"ann")


@given(st.dictionaries(st.sampled_from(Item.__struct_fields__), values))
def test_an_item_that_was_read_can_be_written(fields: dict[str, Any]) -> None:
    try:
        item = ITEMS.decode(msgpack.packb({"item_id": "hat", "ts": 1} | fields), b"hat", NOW)
    except InvalidRecord:
        return
    again = ITEMS.decode(encode(item), b"hat", NOW)
    assert encode(again) == encode(item)  # not ==: an attribute may be NaN


# Field, what the error shows of the value, and the bytes.
BAD = [
    ("value", "None", None),
    ("value", "b''", b""),
    ("value", "b'\\xff", b"\xff\xfe garbage"),
    ("value", "not json", b"{not json}"),
    ("value", "2097152 bytes", b" " * 2**21),
    ("value", "[[[", b"[" * DEEP),
    ("value", '{"a":{"a":', b'{"a":' * DEEP),
    ("value", "x91", b"\x91" * DEEP),
    ("value", "x81", b"\x81\xa1a" * DEEP),
    ("value", "event_id", as_json()[:-1] + b',"unknown":' + b"[" * DEEP + b"]" * DEEP + b"}"),
    ("value", "NaN", b'{"price": NaN}'),
    ("value", "xed", as_msgpack().replace(b"\xa2e1", b"\xa2\xed\xa0")),
    ("value", "ud800", as_json(event_id="\ud800")),
    ("event_id", "None", as_json(event_id=None)),
    ("event_id", "None", msgpack.packb({"ts": NOW})),
    ("event_id", "''", as_json(event_id="")),
    ("user_id", "7", as_msgpack(user_id=7)),
    ("user_id", "b'ann'", as_msgpack(user_id=b"ann")),
    ("user_id", "'uuu", as_msgpack(user_id="u" * 257)),
    ("user_id", "'ééé", as_msgpack(user_id="é" * 129)),
    ("user_id", "[[[...]]]", b'{"user_id":' + b"[" * 400 + b"]" * 400 + b"}"),
    ("user_id", "b'{", b'{"user_id":' + b"[" * DEEP + b"]" * DEEP + b"}"),
    ("user_id", "datetime", b"\x81\xa7user_id\xd6\xff\xff\xff\xff\xff"),
    ("user_id", "b'\\x81", b"\x81\xa7user_id\x81\x81\x01\x02\x03"),
    ("user_id", "b'\\x81", b"\x81\xa7user_id\xdd\xff\xff\xff\xff"),
    ("item_id", "{}", as_msgpack(item_id={})),
    ("session_id", "'sss", as_msgpack(session_id="s" * 257)),
    ("event", "'wink'", as_msgpack(event="wink")),
    ("event", "'at `$.ts`'", as_msgpack(event="at `$.ts`")),
    ("event", "'xxx", as_msgpack(event="x" * 400_000)),
    ("event", "None", as_msgpack(event=None)),
    ("ts", "0", as_msgpack(ts=0)),
    ("ts", "-1", as_msgpack(ts=-1)),
    ("ts", "True", as_json(ts=True)),
    ("ts", "7.5", as_msgpack(ts=7.5)),
    ("ts", "'2023'", as_msgpack(ts="2023")),
    ("ts", str(NOW + DAY_MS + 1), as_msgpack(ts=NOW + DAY_MS + 1)),
    ("ts", str(2**64 - 1), as_msgpack(ts=2**64 - 1)),
    ("ts", "b'{", with_number(b"ts", LONG_NUMBER)),
    ("price", "nan", as_msgpack(price=math.nan)),
    ("price", "inf", as_msgpack(price=math.inf)),
    ("price", "'9.5'", as_msgpack(price="9.5")),
    ("price", "b'{", with_number(b"price", b"1e999")),
    ("price", "b'{", with_number(b"price", LONG_NUMBER)),
    ("quantity", "-inf", as_msgpack(quantity=-math.inf)),
    ("quantity", "10000", as_json(quantity=10**400)),
    ("quantity", "b'{", with_number(b"quantity", LONG_NUMBER)),
    ("position", "-1", as_msgpack(position=-1)),
    ("position", str(2**63), as_msgpack(position=2**63)),
    ("position", "10000", as_json(position=10**400)),
    ("v", "2", as_msgpack(v=2)),
]


@pytest.mark.parametrize(("field", "value", "raw"), BAD, ids=lambda part: str(part)[:24])
def test_what_is_wrong_is_refused_with_its_field_and_value(field: str, value: str, raw: bytes | None) -> None:
    with pytest.raises(InvalidRecord) as refused:
        read(raw)
    assert refused.value.field == field
    assert value in str(refused.value)
    assert len(str(refused.value)) < 400


@pytest.mark.parametrize("key", [None, b"", b"bob", b"ann ", b'"ann"'])
def test_a_key_that_is_not_the_user_is_refused(key: bytes | None) -> None:
    with pytest.raises(InvalidRecord, match="key: must be the record's user_id, 'ann'") as refused:
        read(as_msgpack(), key)
    assert refused.value.value == key


@pytest.mark.parametrize(
    "event",
    [
        {"ts": 1},
        {"ts": NOW + DAY_MS},
        {"user_id": "ann", "item_id": "i" * 256},
        {"item_id": "é" * 128},
        {"price": 0, "quantity": -2},
        {"price": None, "session_id": ""},
        {"quantity": 2**63 - 1, "position": 0},
    ],
)
def test_the_bounds_themselves_are_allowed(event: dict[str, Any]) -> None:
    assert read(as_msgpack(**event)) == msgspec.convert(FIELDS | event, Event)


def test_the_largest_record_is_allowed() -> None:
    filler = MAX_RECORD_BYTES - len(as_json(text=""))
    assert read(as_json(text="x" * filler)) == read(as_json())
    with pytest.raises(InvalidRecord, match="must be at most"):
        read(as_json(text="x" * (filler + 1)))


def test_a_request_to_forget_may_leave_its_time_to_its_record() -> None:
    assert FORGETS.decode(b'{"user_id":"ann"}', b"ann", NOW) == Forget(user_id="ann", ts=None)
    assert FORGETS.decode(encode(Forget(user_id="ann")), b"ann", NOW).ts is None
    with pytest.raises(InvalidRecord, match="ts: must be at most a day ahead"):
        FORGETS.decode(encode(Forget(user_id="ann", ts=NOW + DAY_MS + 1)), b"ann", NOW)


@pytest.mark.parametrize("rating", [0.9, 5.1, math.nan])
def test_a_rating_is_one_to_five(rating: float) -> None:
    review = {"review_id": "r", "user_id": "ann", "item_id": "hat", "ts": 1, "rating": rating}
    with pytest.raises(InvalidRecord, match="rating"):
        REVIEWS.decode(msgpack.packb(review), b"hat", NOW)


def test_a_price_of_an_item_is_finite() -> None:
    with pytest.raises(InvalidRecord, match="price: must be finite"):
        ITEMS.decode(msgpack.packb({"item_id": "hat", "ts": 1, "price": math.nan}), b"hat", NOW)
