"""Laws of what is known of items: their facts, their names, and how they are listed."""

import pytest
import torch
from arriving import NOW

from models.answers import Ranked, ranked_items
from models.batch import Batch
from models.catalog import Catalog
from models.events import Action, Event, Item
from models.fingerprint import fingerprint, fingerprints
from models.names import Names
from models.ranking import Ranking


def batch(*items: str) -> Batch:
    return Batch.of(
        [Event(event_id=item, event=Action.VIEW_ITEM, ts=NOW, user_id="u", item_id=item) for item in items]
    )


def test_a_batch_learns_category_and_brand_of_the_items_that_are_known() -> None:
    catalog = Catalog()
    catalog.put(Item(item_id="hat", ts=1, category=("clothes", "hats"), brand="acme"))
    catalog.put(Item(item_id="coat", ts=1))
    described = catalog.describe(batch("hat", "stranger", "coat", "hat"))
    assert described.category.tolist() == [fingerprint("clothes/hats"), 0, 0, fingerprint("clothes/hats")]
    assert described.brand.tolist() == [fingerprint("acme"), 0, 0, fingerprint("acme")]


def test_what_is_said_later_replaces_what_was_said() -> None:
    catalog = Catalog()
    catalog.put(Item(item_id="hat", ts=1, brand="acme"))
    catalog.put(Item(item_id="hat", ts=2, category=("hats",)))
    described = catalog.describe(batch("hat"))
    assert (described.category.tolist(), described.brand.tolist()) == ([fingerprint("hats")], [0])
    assert len(catalog) == 1


def test_an_item_that_is_gone_is_unknown() -> None:
    catalog = Catalog()
    catalog.put(Item(item_id="hat", ts=1, brand="acme"))
    catalog.put(Item(item_id="coat", ts=1, brand="acme"))
    catalog.remove("hat")
    catalog.remove("never there")
    assert catalog.describe(batch("hat", "coat")).brand.tolist() == [0, fingerprint("acme")]


def test_describing_nothing_is_fine() -> None:
    catalog = Catalog()
    assert catalog.describe(batch("hat")).brand.tolist() == [0]
    catalog.put(Item(item_id="hat", ts=1))
    assert catalog.describe(batch()).brand.tolist() == []


def test_a_name_is_what_was_learnt_and_an_unknown_one_is_an_error() -> None:
    names = Names()
    names.learn([3, -4], ["hat", "шапка"])
    names.learn([3], ["hat"])
    assert names.of([-4, 3, 3]) == ["шапка", "hat", "hat"]
    assert len(names) == 2
    with pytest.raises(KeyError):
        names.of([5])


def test_what_is_not_to_be_had_is_told_once_and_until_it_is_back() -> None:
    catalog = Catalog()
    assert catalog.take_news() is None
    catalog.put(Item(item_id="hat", ts=1, available=False))
    catalog.put(Item(item_id="coat", ts=1, available=True))
    catalog.put(Item(item_id="tie", ts=1))
    catalog.remove("shoe")
    assert unavailable(catalog) == {fingerprint("hat"), fingerprint("shoe")}
    catalog.put(Item(item_id="hat", ts=2, available=False))
    assert unavailable(catalog) is None
    catalog.put(Item(item_id="hat", ts=3))
    catalog.put(Item(item_id="shoe", ts=3))
    assert unavailable(catalog) == set()


def unavailable(catalog: Catalog) -> set[int] | None:
    news = catalog.take_news()
    assert news is not None
    return None if news.unavailable is None else set(news.unavailable.tolist())


def test_the_last_word_on_an_item_is_told_once() -> None:
    catalog = Catalog()
    catalog.put(Item(item_id="hat", ts=1, title="old"))
    catalog.put(Item(item_id="hat", ts=2, title="new"))
    catalog.put(Item(item_id="coat", ts=2))
    catalog.remove("coat")
    catalog.remove("tie")
    catalog.put(Item(item_id="tie", ts=3))
    news = catalog.take_news()
    assert news is not None
    assert {item.item_id: item.title for item in news.described} == {"hat": "new", "tie": None}
    assert news.removed.tolist() == [fingerprint("coat")]
    assert catalog.take_news() is None


def test_fingerprints_are_never_0_and_tell_ids_apart() -> None:
    ids = [f"item-{number}" for number in range(20_000)]
    found = fingerprints(ids)
    assert len(set(found.tolist())) == len(ids)
    assert found.all()
    assert fingerprint("item-7") == found[7]


def test_a_list_ends_where_the_items_end() -> None:
    names = Names()
    names.learn([3, -4], ["hat", "coat"])
    ranking = Ranking(
        torch.tensor([[3, -4, 0], [0, 0, 0]]),
        torch.tensor([[0.5, 0.25, 0.0], [0.0, 0.0, 0.0]]),
        torch.tensor([[0, 3, 0], [0, 0, 0]], dtype=torch.uint8),
    )
    first, second = ranked_items(Ranked.of(ranking), names)
    assert [(item.item_id, item.score, item.source) for item in first] == [
        ("hat", 0.5, "embedding"),
        ("coat", 0.25, "popular"),
    ]
    assert second == []


def test_an_item_that_has_no_name_here_is_left_out_of_its_list_alone() -> None:
    names = Names()
    names.learn([3, -4], ["hat", "coat"])
    items, zeros = torch.tensor([[3, 9, -4], [9, 0, 0]]), torch.zeros(2, 3)
    first, second = ranked_items(Ranked.of(Ranking(items, zeros, zeros.to(torch.uint8))), names)
    assert [item.item_id for item in first] == ["hat", "coat"]
    assert second == []
