"""The made-up shop on a real Kafka: what is on the topics is the shop, and its truth is beside it."""

import json
from pathlib import Path
from typing import Any

from shop import Shop as Place
from shop import finished

from models.codec import EVENTS, ITEMS
from models.events import Action, Event, Item
from producers.shop.plan import ShopPlan
from producers.shop.shop import Shop
from producers.source import Gone

_PLAN = ShopPlan(seed=3, users=300, items=200, days=2.0, views_per_day=1_500.0, drift_at=(1.0,))


def test_what_is_published_is_the_shop_the_last_word_on_its_items_and_its_truth(
    broker: str, tmp_path: Path
) -> None:
    place, truth, report = Place.new(broker), tmp_path / "truth.jsonl", tmp_path / "report.json"
    options = ["--seed", 3, "--users", 300, "--items", 200, "--days", 2, "--views-per-day", 1500]
    options += ["--drift-at", 1, "--truth", truth, "--json", report, "--processes", 2]
    said = finished(place.command("shop", *options))
    records = list(Shop(_PLAN).records())
    events = {record.event_id: record for record in records if isinstance(record, Event)}
    assert f"sent {len(events):,} events" in said
    arrived = [*map(_event, place.read("clicks")), *map(_event, place.read("purchases"))]
    assert {event.event_id: event for event in arrived} == events
    assert len(arrived) == len(events) == json.loads(report.read_text())["events"]
    catalog = [record for record in records if not isinstance(record, Event)]
    assert any(isinstance(record, Gone) for record in catalog)
    last = {record.key.decode(): _item(record) for record in place.read("catalog")}
    assert last == {it.item_id: it if isinstance(it, Item) else None for it in catalog}
    views = sum(event.event is Action.VIEW_ITEM for event in events.values())
    assert len(truth.read_text().splitlines()) == 1 + views


def _event(record: Any) -> Event:
    return EVENTS.decode(record.value, record.key, now=record.timestamp)


def _item(record: Any) -> Item | None:
    return None if record.value is None else ITEMS.decode(record.value, record.key, now=record.timestamp)
