"""The content scorer: what is described like what a user looks at, known by events or not."""

import asyncio
from contextlib import closing

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

import models.stock
from models.catalog import News
from models.content import Content
from models.context import CONTEXT_ITEMS, Context
from models.descriptions import Descriptions
from models.events import Item
from models.examples import Examples
from models.fingerprint import fingerprint
from models.popularity import Popularity
from models.recommender import Recommender
from models.scorer import Known, Shortlist
from models.sources import SOURCES
from models.stock import Stock
from models.table import Column, Table
from stream.brain import Brain
from stream.settings import Settings

CPU = torch.device("cpu")
NOW = 1_000
KINDS = {"boots": "winter boot", "hats": "summer hat", "lamps": "desk lamp"}


def item(kind: str, number: int, ts: int = 7) -> Item:
    return Item(item_id=f"{kind}-{number}", ts=ts, category=(kind,), title=f"{KINDS[kind]} no {number}")


def key(kind: str, number: int) -> int:
    return fingerprint(f"{kind}-{number}")


def stocked(*said: Item) -> Stock:
    stock = Stock(1_000, CPU)
    stock.describe(Descriptions.of(said or [item(kind, number) for kind in KINDS for number in range(30)]))
    return stock


def table() -> Table:
    return Table({"count": Column()} | Popularity.COLUMNS, 1_000, CPU, seed=0)


def content(stock: Stock) -> Content:
    rows = table()
    return Content(rows, Popularity(rows, 100), stock)


def context(*latest: int, ts: int = NOW) -> Context:
    items = torch.zeros(len(latest), CONTEXT_ITEMS, dtype=torch.int64)
    items[:, 0] = torch.tensor(latest)
    times = torch.where(items != 0, ts, 0)
    return Context(items, (items != 0).to(torch.uint8), times)


def lessons(pairs: list[tuple[int, int]]) -> Examples:
    before, after = zip(*pairs, strict=True)
    count = len(pairs)
    ones = torch.ones(count, dtype=torch.int64)
    columns = torch.tensor(after), ones.to(torch.uint8), NOW * ones, ones.to(torch.int8), ones
    return Examples(context(*before), *columns)


def columns_of(scorer: Content, latest: int, candidates: list[int]) -> list[torch.Tensor]:
    items = torch.tensor([candidates])
    known = Known.of(context(latest), table())
    return scorer.columns(known, Shortlist(items, torch.zeros_like(items), items != 0, ()))


def test_what_is_new_is_proposed_to_those_who_look_at_its_like() -> None:
    scorer = content(stocked())
    known = Known.of(context(key("boots", 0), fingerprint("nobody's"), key("hats", 3)), table())
    boots, nothing, hats = scorer.propose(known).items.tolist()
    assert len({key("boots", number) for number in range(30)}.intersection(boots)) >= 25
    assert len({key("hats", number) for number in range(30)}.intersection(hats)) >= 25
    assert not any(nothing)


def test_nothing_is_proposed_before_it_was_described() -> None:
    later = item("boots", 2, ts=NOW)
    scorer = content(stocked(item("boots", 0), item("boots", 1), later))
    for ts, there in ((NOW, False), (NOW + 1, True)):
        found = scorer.propose(Known.of(context(key("boots", 0), ts=ts), table())).items
        assert bool((found == key("boots", 2)).any()) is there
        assert bool((found == key("boots", 1)).any())


def test_it_learns_what_goes_with_what_and_knows_it_of_new_items() -> None:
    scorer = content(stocked())
    pairs = [(key("boots", at), key("lamps", at)) for at in range(20)]
    pairs += [(key("lamps", at), key("hats", at)) for at in range(20)]
    pairs += [(key("hats", at), key("boots", at)) for at in range(20)]
    unseen = [key("boots", 29), key("lamps", 29), key("hats", 29)]
    before = columns_of(scorer, key("boots", 28), unseen)[0][0]
    assert before.argmax() == 0  # its like
    losses = [float(scorer.learn_many(lessons(pairs)).mean()) for _ in range(60)]
    assert losses[-1] < losses[0] / 2
    assert columns_of(scorer, key("boots", 28), unseen)[0][0].argmax() == 1
    assert columns_of(scorer, key("hats", 28), unseen)[0][0].argmax() == 0


def test_a_step_goes_down_the_slope_that_autograd_finds() -> None:
    stock = stocked()
    scorer = content(stock)
    pairs = [(key("boots", 0), key("lamps", 1)), (key("hats", 0), key("lamps", 1))]
    pairs += [(key("hats", 1), key("boots", 3))]
    users = stock["sketch"][stock.find(torch.tensor([before for before, _ in pairs]))]
    items = stock["sketch"][stock.find(torch.tensor([after for _, after in pairs]))]
    at_first = scorer._map.clone().requires_grad_()
    logits = users @ at_first @ items.T
    again = torch.tensor([[False, True, False], [True, False, False], [False, False, False]])
    loss = cross_entropy(logits.masked_fill(again, -1e4), torch.arange(3), reduction="none")
    (slope,) = torch.autograd.grad(loss.sum(), at_first)
    found = scorer.learn_many(lessons(pairs))
    assert torch.allclose(found, loss.detach(), atol=1e-5)
    step = scorer._map - at_first.detach()
    expected = -0.05 * slope / (slope.square().mean(dim=1, keepdim=True).sqrt() + 1e-6)
    assert torch.allclose(step, expected, atol=1e-4)


def test_it_goes_on_from_its_state() -> None:
    stock = stocked()
    first, second = content(stock), content(stock)
    pairs = [(key("boots", at), key("lamps", at)) for at in range(20)]
    first.learn_many(lessons(pairs))
    second.restore(first.state)
    for scorer in (first, second):
        scorer.learn_many(lessons(pairs))
    assert first.state == second.state
    assert first.state != content(stock).state


def test_a_shop_without_a_catalog_is_as_if_there_were_no_such_scorer() -> None:
    scorer = content(Stock(10, CPU))
    assert scorer.propose(Known.of(context(5, 6), table())).items.shape == (2, 0)
    assert not any(column.any() for column in columns_of(scorer, 5, [6, 7, 8]))
    assert not scorer.learn_many(lessons([(5, 6)])).any()


def test_a_new_item_is_in_the_list_as_soon_as_it_is_described_until_it_is_sold_out() -> None:
    stock = stocked()
    model = Recommender(stock, seed=0)
    pairs = [(key(kind, at), key(kind, at + 1)) for kind in KINDS for at in range(9)]
    for _ in range(5):
        model.learn_many(lessons(pairs))
    asked = context(key("boots", 3), ts=2 * NOW)
    new = Item(item_id="new", ts=NOW, category=("boots",), title="winter boot no 30")
    stock.describe(Descriptions.of([new]))
    found = model.predict_many(asked, asked.items[:, :1], 60)
    place = found.items[0].tolist().index(fingerprint("new"))
    assert SOURCES[int(found.source[0, place])] == "content"
    stock.unavailable.replace(torch.tensor([fingerprint("new")]).numpy())
    model.product.note_withheld()
    assert fingerprint("new") not in model.predict_many(asked, asked.items[:, :1], 60).items


def test_what_goes_makes_room_for_what_comes_with_it() -> None:
    old, new = ([item(kind, n) for n in range(5)] for kind in ("boots", "hats"))
    with closing(Brain(Settings(device="cpu", max_items=5))) as brain:
        keys = np.array([fingerprint(it.item_id) for it in old])
        asyncio.run(brain.restock(News(old, keys[:0], None)))
        asyncio.run(brain.restock(News(new, keys, None)))
        wanted = torch.tensor([fingerprint(it.item_id) for it in new])
        assert brain._stock.find(wanted).all()


def test_steps_renew_the_pool_and_questions_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """So how much a worker is asked changes nothing of what it proposes, and learns from."""
    monkeypatch.setattr(models.stock, "_NEWEST", 3)
    rows, stock = table(), stocked()
    popularity = Popularity(rows, 100)
    scorer, known = Content(rows, popularity, stock), Known.of(context(key("boots", 0)), rows)
    lesson, wanted = lessons([(key("boots", 1), key("hats", 2))]), key("hats", 2)
    scorer.propose(known)
    popularity.learn_many(lesson)
    for _ in range(50):
        scorer.propose(known)
    assert not _has(scorer, wanted)
    for _ in range(8):
        scorer.learn_many(lesson)
    assert _has(scorer, wanted)
    popularity.learn_many(lessons([(key("boots", 1), key("lamps", 3))]))
    stock.describe(Descriptions.of([item("hats", 99)]))
    scorer.propose(known)
    assert _has(scorer, key("lamps", 3))  # what is new is there at once
    assert _has(scorer, key("hats", 99))


def _has(scorer: Content, wanted: int) -> bool:
    assert scorer._pool is not None
    return wanted in scorer._pool.items.tolist()


def test_a_follower_has_at_hand_what_others_wanted() -> None:
    many = [Item(item_id=f"boots-{at}", ts=7, category=("boots",)) for at in range(200)]
    learner, follower = (Recommender(stocked(*many), seed=0) for _ in range(2))
    learner.learn_many(lessons([(key("boots", at), key("boots", at + 1)) for at in range(20)]))
    follower.follow(learner.take_changes())
    asked = torch.tensor([key("boots", 199)])
    for model in (learner, follower):
        stock = model.product._stock
        shown = set(stock.of_category(stock.find(asked)).flatten().tolist())
        assert {key("boots", at) for at in range(1, 21)} <= shown
