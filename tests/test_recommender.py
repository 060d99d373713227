"""Laws of the product's model as a whole: fallback, tests before lessons."""

import torch
from lessons import contexts, examples, keys
from states import same, state_of

from models.context import CONTEXT_ITEMS, Context
from models.exam import PRODUCT
from models.examples import Examples
from models.metrics import MISSED, NOT_SCORED, K
from models.recommender import Recommender
from models.sources import SOURCES
from models.stock import Stock

CPU = torch.device("cpu")


def recommender() -> Recommender:
    return Recommender(Stock(1_000, CPU), seed=0)


def nobody(count: int) -> Context:
    context = contexts(count, 0, CPU)
    context.items.zero_()
    return context


def ranked(lesson: Examples, *ranks: int) -> Examples:
    return lesson._replace(rank=torch.tensor(ranks, dtype=torch.int8))


def test_a_new_user_gets_the_popular_list() -> None:
    model = recommender()
    model.learn_many(examples(64, 1, CPU))
    ranking = model.predict_many(nobody(2), nobody(2).items[:, :1], K)
    assert torch.equal(ranking.items, model.popular(K).expand(2, -1))
    assert {SOURCES[place] for place in ranking.source[ranking.items != 0].tolist()} == {"popular"}


def test_before_the_first_lesson_there_are_but_the_users_own_items() -> None:
    model, context = recommender(), contexts(3, 1, CPU)
    ranking = model.predict_many(context, context.items[:, :1], CONTEXT_ITEMS)
    assert [set(line) - {0} for line in ranking.items.tolist()] == [
        set(line[1:]) - {0} for line in context.items.tolist()
    ]
    assert {SOURCES[place] for place in ranking.source[ranking.items != 0].tolist()} == {"recent"}
    assert not model.predict_many(nobody(3), nobody(3).items, K).items.any()
    assert not model.popular(K).any()
    assert model.items == model.version == 0


def test_the_popular_list_is_as_long_as_asked_for() -> None:
    model = recommender()
    model.learn_many(examples(64, 1, CPU))
    for k in (1, K, 100):
        assert model.popular(k).shape == (k,)


def test_the_longest_list_is_full_also_where_all_that_may_be_banned_is_popular() -> None:
    model = Recommender(Stock(2_000, CPU), seed=0)
    items = keys(torch.arange(1, 1_101))
    model.learn_many(examples(1_100, 1, CPU)._replace(item=items))
    banned = model.popular(33)[None, :]
    ranking = model.predict_many(nobody(1), banned, 1_000)
    assert len(set(ranking.items[0].tolist()) - {0}) == 1_000
    assert not set(ranking.items[0].tolist()) & set(banned[0].tolist())


def test_the_product_is_scored_by_what_was_served() -> None:
    model = recommender()
    model.test_many(ranked(examples(5, 1, CPU), 1, 4, MISSED, MISSED, NOT_SCORED))
    figures = model.quality[PRODUCT]
    assert (figures.scored, figures.hit_rate_20, figures.mrr_20) == (4, 0.5, 0.3125)


def test_a_baseline_is_scored_by_what_it_would_serve_now_on_the_same_events() -> None:
    model, lesson = recommender(), examples(6, 1, CPU)
    lesson.context.items[:, 0] = torch.tensor([-5, 7, 9, 9, 9, 9])
    lesson = lesson._replace(item=torch.tensor([7, -5, 7, 8, 7, 7]))
    model.learn_many(lesson._replace(item=torch.tensor([-5, -5, -5, 7, 7, 7])))
    # Popular: 7 (later, so a little heavier), then -5; the user's latest item is left out. 8 is unknown.
    model.test_many(ranked(lesson, 0, 0, 0, 0, NOT_SCORED, NOT_SCORED))
    figures = model.quality["pop"]
    assert (figures.scored, figures.hit_rate_20, figures.mrr_20) == (4, 0.75, 0.75)


def test_what_is_withheld_is_in_no_list_until_it_is_back() -> None:
    stock = Stock(1_000, CPU)
    model = Recommender(stock, seed=0)
    for seed in range(4):
        model.learn_many(examples(64, seed, CPU))
    context = contexts(64, 5, CPU)
    banned = context.items[:, :1]
    free, popular = model.predict_many(context, banned, K), model.popular(K)
    gone = popular[:3].numpy()
    stock.unavailable.replace(gone)
    model.product.note_withheld()
    model.learn_many(examples(64, 1, CPU)._replace(item=torch.from_numpy(gone.repeat(64)[:64].copy())))
    assert not torch.isin(model.predict_many(context, banned, K).items, popular[:3]).any()
    assert not torch.isin(model.popular(K), popular[:3]).any()
    own = context._replace(items=context.items.clone())
    own.items[:, 1:4] = popular[:3]
    assert not torch.isin(model.predict_many(own, banned, K).items, popular[:3]).any()
    stock.unavailable.replace(gone[:0])
    model.product.note_withheld()
    assert torch.isin(popular[:3], model.popular(K)).all()
    assert torch.isin(free.items[0], model.predict_many(context, banned, 60).items[0]).float().mean() > 0.8


def test_testing_teaches_nothing() -> None:
    model, lesson = recommender(), examples(64, 1, CPU)
    model.learn_many(lesson)
    before = state_of([model.product, model.exam._baselines])
    model.test_many(lesson._replace(rank=torch.zeros(64, dtype=torch.int8)))
    assert same(state_of([model.product, model.exam._baselines]), before)
