"""The made-up shop's records: what comes out of it is what the topics and the logs know."""

from collections import Counter
from itertools import islice
from pathlib import Path

import msgspec
import pytest
from shops import PLAN, SEEDS, SHORT, shop, traffic

from models.codec import EVENTS, ITEMS, encode
from models.events import Action, Event, Item
from producers.logs import open_log, read_log
from producers.reading import Reading
from producers.shop.files import write_catalog, write_log, write_truth
from producers.shop.plan import ShopPlan
from producers.shop.shop import Shop
from producers.shop.traffic import Traffic
from producers.source import Gone


@pytest.mark.parametrize("seed", SEEDS[:2])
def test_an_item_is_described_before_its_first_event_and_not_viewed_once_gone(seed: int) -> None:
    known: set[str] = set()
    gone: set[str] = set()
    for record in shop(seed).records():
        if isinstance(record, Gone) or (isinstance(record, Item) and not record.available):
            gone.add(record.item_id)
        elif isinstance(record, Item):
            assert record.item_id not in known
            known.add(record.item_id)
        else:
            assert record.item_id in known
            # What is in the cart is bought all the same.
            assert record.item_id not in gone or record.event is not Action.VIEW_ITEM
    assert 0.9 * PLAN.items < len(known) <= PLAN.items
    assert len(gone) == pytest.approx(0.1 * PLAN.items, rel=0.25)


def test_records_stand_in_the_order_of_time() -> None:
    times = [record.ts for record in shop(0).records(30_000)]
    assert times == sorted(times)


def test_events_have_ids_of_their_own_and_are_those_of_the_columns() -> None:
    events = [record for record in shop(0).records() if isinstance(record, Event)]
    assert len({event.event_id for event in events}) == len(events) == len(traffic(0).ts)
    assert [event.ts for event in events] == traffic(0).ts.tolist()
    counts = Counter(event.event for event in events)
    assert counts[Action.VIEW_ITEM] > counts[Action.ADD_TO_CART] > counts[Action.PURCHASE] > 300
    assert counts[Action.REFUND] > 0
    orders = [event for event in events if event.event is Action.PURCHASE]
    assert len({event.order_id for event in orders}) == len(orders)
    assert {event.quantity for event in orders} == {1}


def test_ids_are_new_in_another_shop_only() -> None:
    lists = msgspec.structs.replace(SHORT, impressions=3)
    first, again, other = (
        {record.event_id for record in Shop(plan).records() if isinstance(record, Event)}
        for plan in (lists, lists, msgspec.structs.replace(lists, seed=1))
    )
    assert first == again
    assert not first & other
    assert len(first) == sum(len(chunk.ts) for chunk in Shop(lists).chunks())


def test_records_survive_the_codec() -> None:
    for record in shop(0).records(2_000):
        if isinstance(record, Event):
            assert EVENTS.decode(encode(record), record.user_id.encode(), now=PLAN.end) == record
        elif isinstance(record, Item):
            assert ITEMS.decode(encode(record), record.item_id.encode(), now=PLAN.end) == record


def test_a_limit_counts_events_alone() -> None:
    records = list(shop(0).records(100))
    assert sum(isinstance(record, Event) for record in records) == 100
    assert records == list(islice(shop(0).records(), len(records)))


def test_words_tell_category_and_kind_and_some_are_chinese() -> None:
    stock = shop(0).truth.stock
    items = [record for record in shop(0).records(1) if isinstance(record, Item)]
    assert sum(not (item.title or "").isascii() for item in items) / len(items) == pytest.approx(
        0.1, abs=0.04
    )
    titles: dict[str, set[tuple[str, ...]]] = {}
    for item in items:
        _, of_kind, *of_leaf, _ = (item.title or "").split()
        for word in (of_kind, *of_leaf):
            titles.setdefault(word, set()).add(item.category)
        assert item.description
        assert item.brand
        assert item.price is not None
        assert item.price > 0
        assert len(item.category) == 3
    assert {len(paths) for paths in titles.values()} == {1}
    assert len({item.category for item in items}) == len(stock.first)


def test_what_a_process_reads_is_the_shop_and_says_how_far_it_is() -> None:
    reading = Reading()
    source = msgspec.msgpack.decode(msgspec.msgpack.encode(Traffic(SHORT)), type=Traffic)
    fractions = [reading.fraction for _ in source.read(reading)]
    assert fractions == sorted(fractions)
    assert 0.0 <= fractions[0] < 0.1
    assert 0.9 < fractions[-1] <= 1.0
    assert reading.rows == sum(len(chunk.ts) for chunk in Shop(SHORT).chunks())


@pytest.mark.parametrize("ending", ["jsonl", "jsonl.gz", "jsonl.zst"])
def test_a_shop_written_down_is_read_as_a_log(tmp_path: Path, ending: str) -> None:
    made = Shop(SHORT)
    log, items = tmp_path / f"shop.{ending}", tmp_path / f"items.{ending}"
    assert write_log(log, made, 500) == 500
    records, reading = list(made.records(500)), Reading()
    found = list(read_log(open_log(log), reading))
    assert reading.bad == 0
    assert [it for it in found if isinstance(it, Event)] == [it for it in records if isinstance(it, Event)]
    described = {it.item_id: it for it in records if isinstance(it, Item) and it.available}
    for item in (it for it in found if isinstance(it, Item)):
        assert item == msgspec.structs.replace(described.pop(item.item_id), ts=item.ts)
    there = [it for it in records if isinstance(it, Item) and it.ts < SHORT.start]
    assert write_catalog(items, made) == len(there)
    read = [it for it in read_log(open_log(log, items=items), Reading()) if isinstance(it, Item)]
    assert [it.item_id for it in read][: len(there)] == [it.item_id for it in there]


@pytest.mark.parametrize("limit", [1, 700, None])
def test_the_truth_written_down_is_of_the_views_published(tmp_path: Path, limit: int | None) -> None:
    made, path = Shop(SHORT), tmp_path / "truth.jsonl"
    written = write_truth(path, made, limit)
    plan, *views = map(msgspec.json.decode, path.read_bytes().splitlines())
    assert msgspec.convert(plan["plan"], ShopPlan) == SHORT
    assert plan["drifts"] == []
    events = [record for record in made.records(limit) if isinstance(record, Event)]
    viewed = [event.event_id for event in events if event.event is Action.VIEW_ITEM]
    assert [view["event_id"] for view in views] == viewed
    assert len(viewed) == written
    assert all(0 < view["p_purchase"] < view["p_cart"] < 1 for view in views)
    bought = {event.ts for event in events if event.event is Action.PURCHASE}
    assert bought <= {view["purchase_ts"] for view in views}
