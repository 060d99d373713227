"""Laws of the behaviour heads, and of what they change in recommendations: nothing, unless they are asked."""

import asyncio
from contextlib import closing

import numpy as np
import pytest
import torch
from lessons import contexts, examples, keys
from states import same, state_of
from torch import Tensor

from models.answers import ranked_items
from models.batch import CODE_OF
from models.behaviour import Behaviour
from models.context import Context
from models.conversions import Conversions, conversions_of
from models.embedding import EmbeddingLearner, Hyperparameters
from models.events import Action
from models.examples import Examples
from models.names import Names
from models.objective import Objective
from models.ranking import Ranking
from models.recommender import Recommender
from models.signs import Pairs
from models.stock import Stock
from models.table import Table
from stream.brain import Brain
from stream.settings import Settings

CPU = torch.device("cpu")
CART, BUY = CODE_OF[Action.ADD_TO_CART], CODE_OF[Action.PURCHASE]
SMALL = Hyperparameters(drawn_from=200)


def heads() -> Behaviour:
    table = Table(SMALL.columns | Behaviour.COLUMNS, 1_000, CPU, seed=0)
    table.admit(keys(torch.arange(1, 91)))
    return Behaviour(table, EmbeddingLearner(table, 0, SMALL))


def views(seed: int, count: int = 64) -> Conversions:
    """Return views: a third lead to a purchase if they are of item 1, a tenth of the others."""
    lesson = examples(count, seed, CPU)
    rng = torch.Generator().manual_seed(seed)
    chance = torch.where(lesson.item == keys(torch.tensor(1)), 1 / 3, 0.1)
    bought = torch.rand(count, generator=rng) < chance
    none = torch.zeros_like(lesson.ts)
    outcome = torch.stack([bought, bought])
    return Conversions(lesson.context, lesson.item, ~none.bool(), outcome, lesson.ts + seed * 60_000, none)


def mixed(seed: int) -> Examples:
    """Return examples some of which are carts and purchases."""
    lesson = examples(64, seed, CPU)
    action = lesson.action.clone()
    action[1::5], action[3::7] = CART, BUY
    return lesson._replace(action=action, ts=lesson.ts + seed * 60_000)


def taught(objective: Objective = Objective.VIEW) -> Recommender:
    model = Recommender(Stock(1_000, CPU), seed=3)
    model.product.aim_at(objective)
    for seed in range(12):
        model.learn_many(mixed(seed))
    return model


def asked(model: Recommender, k: int = 20) -> Ranking:
    context = contexts(32, 99, CPU)
    return model.predict_many(context, context.items[:, :1], k)


def chance_of(model: Behaviour, number: int) -> Tensor:
    items = keys(torch.full((32, 1), number))
    return model.predict_many(contexts(32, 7, CPU), items).purchase.mean()


def test_what_views_of_an_item_led_to_is_foretold_of_it() -> None:
    model = heads()
    for seed in range(300):
        lines = views(seed)
        model.learn_many(lines)
        model.count_many(lines)
    assert float(chance_of(model, 1)) == pytest.approx(1 / 3, abs=0.1)
    assert float(chance_of(model, 2)) == pytest.approx(0.1, abs=0.05)
    assert model.views == 300 * 64


@pytest.mark.parametrize("ratio", [[0.3, 2.0], [1.0, 5.0], [2.0, 0.1]])
def test_no_more_purchases_than_carts_are_foretold(ratio: list[float]) -> None:
    model, context, items = heads(), contexts(8, 1, CPU), keys(torch.arange(1, 81).view(8, 10))
    for seed in range(10):
        model.learn_many(views(seed))
        model.count_many(views(seed))
    model._calibration.ratio = torch.tensor(ratio)
    cart, purchase = model.predict_many(context, items)
    model.learn_many(views(10))
    for more, fewer in ((cart, purchase), model.foretold):
        assert (fewer <= more).all()
        assert (fewer > 0).all()
        assert (more < 1).all()


def test_a_shops_rate_of_carts_is_known_after_its_first_views() -> None:
    model, rng = heads(), torch.Generator().manual_seed(0)
    for seed in range(10):
        lines = views(seed)
        carted = torch.rand(64, generator=rng) < 0.005
        lines = lines._replace(outcome=torch.stack([carted, torch.zeros_like(carted)]))
        model.learn_many(lines)
        model.count_many(lines)
    cart, _ = model.predict_many(contexts(32, 7, CPU), keys(torch.arange(1, 33)[:, None]))
    assert 0.001 < float(cart.mean()) < 0.015


def test_foretelling_is_pure() -> None:
    model, context, items = heads(), contexts(8, 1, CPU), keys(torch.arange(1, 81).view(8, 10))
    model.learn_many(views(0))
    before = state_of(model)
    one, other = (model.predict_many(context, items) for _ in range(2))
    assert same(state_of(one), state_of(other))
    assert same(state_of(model), before)


def test_what_is_scored_of_views_is_what_was_foretold_of_them() -> None:
    model = heads()
    for seed in range(20):
        lines = conversions_of(mixed(seed))
        view = lines.is_view.nonzero().squeeze(1)
        context = Context(*(column[view] for column in lines.context))
        chances = model.predict_many(context, lines.item[view, None])
        expected = torch.cat([chances.cart, chances.purchase], dim=1).T
        model.learn_many(lines)
        model.count_many(lines)
        assert len(view) > 10
        assert torch.allclose(model.foretold, expected, rtol=1e-4)


def test_an_item_of_the_context_is_as_near_as_if_it_were_not_in_it() -> None:
    model, context = taught(), contexts(32, 1, CPU)
    signs, table = model.product.behaviour._signs, model._table
    for place in range(8):
        item = context.items[:, place : place + 1]
        blanked = context._replace(items=context.items.masked_fill(context.items == item, 0))
        near, without = (signs._nearness(Pairs.of(table, it, item)) for it in (context, blanked))
        known = item[:, 0] != 0
        # Of one item alone nothing is left but round-off, of 1e-6 over the square root of 1e-6.
        assert torch.allclose(near[known], without[known], atol=3e-3)


def test_an_item_is_foretold_the_same_alone_and_among_others() -> None:
    model, context, items = (
        taught().product.behaviour,
        contexts(8, 1, CPU),
        keys(torch.arange(1, 81).view(8, 10)),
    )
    together = model.predict_many(context, items)
    for line in range(8):
        user = Context(*(column[line : line + 1] for column in context))
        for place in range(10):
            alone = model.predict_many(user, items[line : line + 1, place : place + 1])
            assert [float(it) for it in alone] == pytest.approx([float(it[line, place]) for it in together])


def test_no_lines_teach_nothing() -> None:
    model = heads()
    before = state_of(model)
    nothing = views(0).take(torch.zeros(0, dtype=torch.int64))
    model.learn_many(nothing)
    model.count_many(nothing)
    assert same(state_of(model), before)


def test_a_follower_foretells_the_same() -> None:
    model, follower = taught(), Recommender(Stock(1_000, CPU), seed=3)
    follower.follow(model.take_changes())
    items = asked(model).items
    chances = [it.product.behaviour.predict_many(contexts(32, 99, CPU), items) for it in (model, follower)]
    assert same(state_of(chances[0]), state_of(chances[1]))
    assert same(state_of(model.product.behaviour.state), state_of(follower.product.behaviour.state))


def test_the_heads_change_no_ranking_unless_asked_to(monkeypatch: pytest.MonkeyPatch) -> None:
    with_heads = asked(taught())
    monkeypatch.setattr(Behaviour, "learn_many", lambda *_: None)
    monkeypatch.setattr(Behaviour, "count_many", lambda *_: None)
    assert same(state_of(with_heads), state_of(asked(taught())))


@pytest.mark.parametrize(
    ("objective", "worth"), [("cart", (0, 1, 0)), ("purchase", (0, 0, 1)), ("value", (0.01, 0.1, 1))]
)
def test_an_objective_ranks_by_the_share_of_views_times_what_they_lead_to(
    objective: str, worth: tuple[float, ...]
) -> None:
    plain, aimed = taught(), taught(Objective(objective))
    every, found = asked(plain, 300), asked(aimed, 5)
    context = contexts(32, 99, CPU)
    chances = plain.product.behaviour.predict_many(context, every.items)
    for line in range(32):
        blended = [at for at in range(300) if every.items[line, at] and every.source[line, at] < 4]
        scores = np.exp([float(every.scores[line, at]) for at in blended])
        value = {
            int(every.items[line, at]): share
            * (
                worth[0]
                + worth[1] * float(chances.cart[line, at])
                + worth[2] * float(chances.purchase[line, at])
            )
            for at, share in zip(blended, scores, strict=True)
        }
        if context.items[line].any():
            best = sorted((value[item] for item in found.items[line].tolist()), reverse=True)
            assert best == [value[item] for item in found.items[line].tolist()]
            assert best == pytest.approx(sorted(value.values(), reverse=True)[:5])


def served(settings: Settings, lesson: Examples) -> list[tuple[float | None, float | None]]:
    with closing(Brain(settings)) as brain:
        asyncio.run(brain.test_and_learn(lesson))
        context = contexts(8, 99, CPU)
        ranked = asyncio.run(brain.rank(context, context.items[:, :1].numpy()))
        names = Names()
        names.learn(range(-(10**18), -(10**18)), [])
        names.learn(ranked.items.flatten().tolist(), map(str, ranked.items.flatten().tolist()))
        return [(item.p_cart, item.p_purchase) for line in ranked_items(ranked, names) for item in line]


def test_every_item_of_a_recommendation_says_what_a_view_leads_to() -> None:
    found = served(Settings(device="cpu"), mixed(0))
    assert found
    assert all(cart is not None and 0 < cart < 1 for cart, _ in found)
    assert all(purchase is not None and 0 < purchase < 1 for _, purchase in found)


def test_a_shop_without_views_is_foretold_nothing() -> None:
    lesson = mixed(0)
    orders = lesson._replace(action=torch.full_like(lesson.action, BUY))
    found = served(Settings(device="cpu"), orders)
    assert found
    assert set(found) == {(None, None)}


def test_a_shop_that_never_sends_a_cart_is_foretold_something_for_ever() -> None:
    model = taught().product.behaviour
    model._totals = torch.tensor([20_000.0, 0.0, 0.0])  # after some millions of views
    chances = model.predict_many(contexts(8, 1, CPU), keys(torch.arange(1, 81).view(8, 10)))
    for column in chances:
        assert bool(((column > 0) & (column < 1)).all())
