"""Every released record form, as bytes that must be read and written the same for ever.

The profile's own forms are in `test_profile`.
"""

import json
from pathlib import Path
from typing import Any

import msgpack
import msgspec
import pytest
import torch

from models.codec import EVENTS, FORGETS, ITEMS, REVIEWS, encode
from models.context import CONTEXT_ITEMS, Context
from models.events import (
    Action,
    Decision,
    Event,
    Forget,
    Item,
    RankedItem,
    Recommendation,
    Review,
)
from models.examples import Examples
from models.packing import pack, unpack

GOLDEN = Path(__file__).parent / "golden"
TS = 1_700_000_000_000
EVENT = Event(event_id="e-1", event=Action.VIEW_ITEM, ts=TS, user_id="ann", item_id="hat")
FULL_EVENT = Event(
    event_id="e-2",
    event=Action.PURCHASE,
    ts=TS,
    user_id="Зоя",
    item_id="hat",
    session_id="s-1",
    quantity=2,
    price=9.5,
    order_id="o-1",
    recommendation_id="clicks-3-41",
    position=4,
)
ITEM = Item(
    item_id="hat",
    ts=TS,
    title="A hat",
    description="To be worn.",
    category=("clothes", "hats"),
    brand="acme",
    price=9.5,
    available=False,
    attributes={"colour": "red", "size": 58},
)
REVIEW = Review(review_id="r-1", user_id="ann", item_id="hat", ts=TS, rating=4.5, text="Fits.")
FORGET = Forget(user_id="ann", ts=TS)
RECOMMENDATION = Recommendation(
    recommendation_id="clicks-3-41",
    user_id="ann",
    ts=TS + 30,
    event_id="e-1",
    event_ts=TS,
    model_version=12,
    items=[RankedItem("scarf", 1.5, "embedding"), RankedItem("coat", 0.25, "popular", 0.125, 0.0625)],
)
DECISION = Decision(kind="retrain", ts=TS, reason="drift", details={"loss": 6.5, "window": [1, 2]})
NAMES = ["hat", "scarf"]


def examples() -> Examples:
    items = torch.zeros(2, CONTEXT_ITEMS, dtype=torch.int64)
    items[1, :2] = torch.tensor([-(2**63) + 1, 2**63 - 1])
    actions, ts = items.ne(0).to(torch.uint8) * 3, items.ne(0).to(torch.int64) * (TS - 5)
    return Examples(
        context=Context(items, actions, ts),
        item=torch.tensor([7, -9]),
        action=torch.tensor([3, 8], dtype=torch.uint8),
        ts=torch.tensor([TS, TS + 1]),
        rank=torch.tensor([-1, 20], dtype=torch.int8),
        who=torch.tensor([-(2**62), 12]),
    )


@pytest.mark.parametrize(
    ("name", "record"),
    [("event-minimal-1", EVENT), ("event-full-1", FULL_EVENT)],
)
def test_golden_events_are_read_and_written_the_same(name: str, record: Event) -> None:
    packed, text = (GOLDEN / f"{name}.msgpack").read_bytes(), (GOLDEN / f"{name}.json").read_bytes()
    key = record.user_id.encode()
    assert EVENTS.decode(packed, key, TS) == EVENTS.decode(text, key, TS) == record
    assert encode(record) == packed
    assert msgspec.json.encode(record) == text


@pytest.mark.parametrize(
    ("name", "record"),
    [
        ("item-1", ITEM),
        ("review-1", REVIEW),
        ("forget-1", FORGET),
        ("recommendation-1", RECOMMENDATION),
        ("decision-1", DECISION),
    ],
)
def test_golden_records_are_read_and_written_the_same(name: str, record: msgspec.Struct) -> None:
    packed = (GOLDEN / f"{name}.msgpack").read_bytes()
    assert msgspec.msgpack.decode(packed, type=type(record)) == record
    assert encode(record) == packed
    assert msgpack.unpackb(packed) == json.loads(msgspec.json.encode(record))  # as a stranger reads it


def test_golden_records_from_outside_are_usable() -> None:
    decoders: dict[str, Any] = {"item-1": ITEMS, "review-1": REVIEWS, "forget-1": FORGETS}
    keys = {"item-1": b"hat", "review-1": b"hat", "forget-1": b"ann"}
    read = [d.decode((GOLDEN / f"{n}.msgpack").read_bytes(), keys[n], TS) for n, d in decoders.items()]
    assert read == [ITEM, REVIEW, FORGET]


def test_golden_examples_are_read_and_written_the_same() -> None:
    packed = (GOLDEN / "examples-3.msgpack").read_bytes()
    read, names = unpack(packed)
    assert names == NAMES
    for column, expected in zip(
        (*read.context, *read[1:]), (*examples().context, *examples()[1:]), strict=True
    ):
        assert column.dtype == expected.dtype
        assert torch.equal(column, expected)
    assert pack(read, names) == pack(examples(), NAMES) == packed
