"""The stock: what is said of items, by item and by category, on the model's device."""

import numpy as np
import torch

from models.descriptions import Descriptions
from models.events import Item
from models.fingerprint import fingerprint, fingerprints
from models.stock import Stock

CPU = torch.device("cpu")
_SHOWN = 64


def items(count: int, category: str = "shoes", ts: int = 7, start: int = 0) -> list[Item]:
    return [Item(item_id=f"i{start + at}", ts=ts, category=(category,)) for at in range(count)]


def stocked(*said: list[Item], limit: int = 1_000) -> Stock:
    stock = Stock(limit, CPU)
    for some in said:
        stock.describe(Descriptions.of(some))
    return stock


def shown_with(stock: Stock, item_id: str) -> set[int]:
    row = stock.find(torch.tensor([fingerprint(item_id)]))
    return set(stock.of_category(row).flatten().tolist()) - {0}


def test_a_category_shows_its_items_and_no_others() -> None:
    stock = stocked(items(5), items(5, "hats", start=5))
    assert shown_with(stock, "i0") == set(fingerprints(f"i{at}" for at in range(5)).tolist())
    assert shown_with(stock, "i9") == set(fingerprints(f"i{at}" for at in range(5, 10)).tolist())
    assert shown_with(stock, "nobody's") == set()


def test_a_full_category_shows_the_latest() -> None:
    stock = stocked(*([item] for item in items(_SHOWN + 10)))
    names = [f"i{at}" for at in range(_SHOWN + 10)]
    assert shown_with(stock, "i0") == set(fingerprints(names[10:]).tolist())
    stock.show(torch.from_numpy(fingerprints(["i0", "i70", "i70"])))  # i70 is there already
    assert shown_with(stock, "i0") == set(fingerprints([*names[11:], "i0"]).tolist())


def test_a_category_described_at_once_is_full_of_the_last() -> None:
    shown = shown_with(stocked(items(3 * _SHOWN)), "i0")
    assert shown == set(fingerprints(f"i{at}" for at in range(2 * _SHOWN, 3 * _SHOWN)).tolist())


def test_what_is_wanted_stays_when_all_is_described_again() -> None:
    many = items(3 * _SHOWN)
    stock = stocked(many)
    wanted = fingerprints(f"i{at}" for at in range(40))
    stock.show(torch.from_numpy(wanted))
    stock.describe(Descriptions.of(many))
    assert set(wanted.tolist()) <= shown_with(stock, "i0")


def test_a_new_word_replaces_the_old_but_not_since_when_one_knows_the_item() -> None:
    stock = stocked([Item(item_id="i", ts=5, brand="old")], [Item(item_id="i", ts=9, price=1.0)])
    row = stock.find(torch.tensor([fingerprint("i")]))
    assert (int(stock["since"][row]), int(stock["brand"][row]), float(stock["log_price"][row])) == (5, 0, 0.0)
    assert len(stock.newest) == 1
    assert stock.described == 2


def test_the_newest_come_first() -> None:
    stock = stocked(items(2), items(1, start=2))
    assert stock.newest.tolist() == fingerprints(["i2", "i1", "i0"]).tolist()


def test_what_is_removed_is_no_longer_described() -> None:
    stock = stocked(items(3))
    stock.remove(fingerprints(["i1", "i1", "nobody's"]))
    assert stock.find(torch.from_numpy(fingerprints(["i0", "i1"]))).ne(0).tolist() == [True, False]
    assert len(stock) == 2
    stock.remove(np.zeros(0, np.int64))
    assert len(stock) == 2


def test_beyond_its_limit_nothing_is_described_and_nothing_breaks() -> None:
    stock = stocked(items(5), limit=3)
    assert len(stock) == 3
    assert len(stock.newest) == 3
    for name in ("since", "category", "brand", "sketch"):
        assert not stock[name][0].any()
    assert bool(stock["log_price"][0].isnan())  # what is not described costs nothing known, not 1.00


def test_nothing_piles_up_as_items_come_and_go() -> None:
    stock = stocked()
    for start in range(0, 50, 5):
        stock.describe(Descriptions.of(items(5, start=start)))
        stock.remove(fingerprints([f"i{at}" for at in range(start, start + 5)]))
    assert len(stock) == 0
    for table in (stock._items, stock._categories):
        changes = table.take_changes()
        assert not len(changes.rows)
        assert not len(changes.removed)
    assert len(stock["sketch"]) <= 6  # rows are used again
