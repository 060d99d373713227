"""Laws of the blend: its slope, what it proposes, what it keeps, and that it learns which scorer tells."""

from itertools import pairwise
from typing import ClassVar

import pytest
import torch
from lessons import contexts, examples, keys
from states import same, state_of
from torch import Tensor

from models.adam import Adam
from models.blend import Blend
from models.content import Content
from models.embedding import EmbeddingLearner, Hyperparameters
from models.examples import Examples
from models.opinions import RecentlySeen
from models.popularity import TREND, Popularity
from models.scorer import Known, Proposal, Shortlist
from models.sources import SOURCES, scorers
from models.stock import Stock
from models.table import Table
from models.transitions import Transitions

CPU = torch.device("cpu")
SMALL = Hyperparameters(drawn_from=200)


def blend(*without: str) -> Blend:
    columns = SMALL.columns | Popularity.COLUMNS | Transitions.COLUMNS
    table = Table(columns, 1_000, CPU, seed=3)
    popularity, trend = Popularity(table, 100), Popularity(table, 100, decay=TREND)
    for seed in range(6):
        for which in (popularity, trend):
            which.learn_many(examples(64, seed, CPU))
    content = Content(table, popularity, Stock(1_000, CPU))
    embedding = EmbeddingLearner(table, 3, SMALL)
    return Blend(table, scorers(table, embedding, (popularity, trend), content, without=without))


class Oracle:
    """Proposes the same items to all, and says of each how good it is by its place."""

    prior: ClassVar[tuple[float, ...]] = (0.0,)

    def __init__(self, items: list[int], worth: list[float]) -> None:
        self.items, self.worth = torch.tensor(items), torch.tensor(worth)

    def propose(self, known: Known) -> Proposal:
        shape = (len(known.rows), len(self.items))
        return Proposal(self.items.expand(shape), (self.worth.expand(shape),))

    def columns(self, _: Known, shortlist: Shortlist) -> list[Tensor]:
        return list(shortlist.values)

    def learn_many(self, examples: Examples) -> Tensor:
        return torch.zeros(len(examples.item))


def two(worth: list[float]) -> Blend:
    """Return a blend of one that is right about item 7, and of one that says the opposite."""
    table = Table({"count": SMALL.columns["count"]}, 100, CPU, seed=0)
    return Blend(table, [Oracle([7, 8, 9], worth), Oracle([7, 8, 9], worth[::-1])])


def always(item: int, count: int) -> Examples:
    lesson = examples(count, 1, CPU)
    context = lesson.context._replace(items=torch.full_like(lesson.context.items, 5))
    return lesson._replace(context=context, item=torch.full((count,), item))


def test_it_comes_to_trust_who_is_right() -> None:
    model, lesson = two([1.0, 0.0, 0.0]), always(7, 64)
    for _ in range(50):
        model.learn_many(lesson)
    ranking = model.predict_many(lesson.context, torch.full((64, 1), 5), 3)
    assert ranking.items[:, 0].tolist() == [7] * 64
    assert ranking.source[:, 0].tolist() == [0] * 64


def test_the_step_is_down_the_slope_of_the_cross_entropy(monkeypatch: pytest.MonkeyPatch) -> None:
    model, slopes = blend(), list[Tensor]()
    for seed in range(6):
        model.learn_many(examples(64, seed, CPU))
    monkeypatch.setattr(Adam, "descend", lambda _, slope: slopes.append(slope))
    lesson = examples(40, 7, CPU)
    lesson = lesson.take(lesson.teaches.numpy())
    weights = model._weights.clone().requires_grad_()
    case = model._case(lesson.context, lesson.context.items[:, :1])
    scores = torch.einsum("bg,gf,fbc->bc", case.circumstances, weights, case.columns)
    scores = scores.masked_fill(case.items == 0, -torch.inf)
    hit = (case.items == lesson.item[:, None]) & (case.items != 0)
    listed = hit.any(dim=1)
    loss = -scores.log_softmax(dim=1)[listed][hit[listed]].mean()
    (expected,) = torch.autograd.grad(loss, weights)
    model._weigh(lesson)
    assert int(listed.sum()) > 10
    assert torch.allclose(slopes[0], expected, atol=1e-5)


def test_the_weights_are_asked_before_the_scorers_have_learnt() -> None:
    """Else they would trust who has just been told."""
    model, lesson = blend(), examples(64, 1, CPU)
    model.learn_many(lesson)
    before = model._weights.clone()
    order = list[str]()
    model._weigh = lambda _: order.append("weigh")  # type: ignore[method-assign]
    scorer = model._scorers[0]
    learn = scorer.learn_many
    scorer.learn_many = lambda it: (order.append("learn"), learn(it))[1]  # type: ignore[method-assign]
    model.learn_many(lesson)
    assert order == ["weigh", "learn"]
    assert torch.equal(before, model._weights)


@pytest.mark.parametrize("count", [1, 63, 64, 65, 127, 500])
def test_it_learns_from_as_many_examples_as_it_may_and_the_newest(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    learnt, model, lesson = [], two([1.0, 0.0, 0.0]), always(7, count)
    lesson.context.ts[:, 0] = torch.arange(count)
    case = model._case
    monkeypatch.setattr(model, "_case", lambda *of: (learnt.append(of[0].ts[:, 0]), case(*of))[1])
    model.learn_many(lesson)
    (places,) = [one.tolist() for one in learnt]
    assert len(set(places)) == len(places) == min(count, 64)
    assert places == sorted(places)
    assert places[-1] == count - 1
    assert max(after - before for before, after in pairwise([-1, *places])) <= -(-count // 64)


def test_a_scorer_that_is_left_out_says_nothing_and_counts_on() -> None:
    mute, whole, lesson = blend("embedding"), blend(), examples(64, 7, CPU)
    for model in (mute, whole):
        model.learn_many(lesson)
    assert torch.equal(mute._table["count"], whole._table["count"])
    assert mute._table.version == whole._table.version == 1
    lists = [model.predict_many(lesson.context, lesson.item[:, None], 20) for model in (mute, whole)]
    found = [set(ranking.source[ranking.items != 0].tolist()) for ranking in lists]
    assert [SOURCES.index("embedding") in sources for sources in found] == [False, True]
    known = Known.of(lesson.context, whole._table)
    assert not mute._scorers[0].propose(known).items.shape[1]


def test_what_is_kept_of_it_goes_on_bit_for_bit() -> None:
    model = blend()
    for seed in range(4):
        model.learn_many(examples(64, seed, CPU))
    again = Adam(torch.zeros_like(model._weights), model._adam._rate)
    again.restore(model.state)
    slope = torch.randn(model._weights.shape, generator=torch.Generator().manual_seed(1))
    for adam in (model._adam, again):
        adam.descend(slope)
    assert same(state_of(again), state_of(model._adam))


def test_a_user_of_whom_nothing_is_known_gets_no_list() -> None:
    model = blend()
    model.learn_many(examples(64, 1, CPU))
    nobody = contexts(3, 1, CPU)
    nobody.items.zero_()
    assert not model.predict_many(nobody, nobody.items[:, :1], 20).items.any()


def test_a_users_own_item_is_a_candidate_before_the_model_has_met_it() -> None:
    model = blend()
    for seed in range(6):
        model.learn_many(examples(64, seed, CPU))
    context = contexts(1, 3, CPU)
    new = keys(torch.tensor([5_000_001, 5_000_002]))
    context.items[0] = 0
    context.items[0, :3] = torch.stack([keys(torch.tensor([1]))[0], *new])
    ranking = model.predict_many(context, context.items[:, :1], 100)
    assert set(new.tolist()) <= set(ranking.items[0].tolist())


def test_a_source_is_one_that_named_the_item() -> None:
    model = blend()
    for seed in range(6):
        model.learn_many(examples(64, seed, CPU))
    context = contexts(64, 9, CPU)
    ranking = model.predict_many(context, context.items[:, :1], 20)
    known = Known.of(context, model._table)
    for source, scorer in enumerate(model._scorers):
        said = scorer.propose(known)
        named = said.items[:, : said.items.shape[1] - said.unnamed]  # int64[B, P]
        here = ranking.items.masked_fill(ranking.source != source, 0)
        assert here.any() == bool(named.any())  # without a catalog no content
        assert bool(((here[:, :, None] == named[:, None, :]).any(dim=2) | (here == 0)).all())


def test_what_no_scorer_names_is_in_no_list() -> None:
    """The latest item is spoken of by the transitions, and so are the user's own where none names them."""
    model = blend()
    for seed in range(6):
        model.learn_many(examples(64, seed, CPU))
    context = contexts(64, 9, CPU)
    model._scorers = [scorer for scorer in model._scorers if not isinstance(scorer, RecentlySeen)]
    model._weights = torch.ones(model._weights.shape[0], sum(len(it.prior) for it in model._scorers))
    own = keys(torch.tensor([5_000_001, 5_000_002]))
    context.items[:, 1:3] = torch.where(context.items[:, :1] != 0, own, 0)
    ranking = model.predict_many(context, torch.zeros_like(own[None]).expand(64, -1), 1_000)
    assert ranking.items.any()
    assert not torch.isin(ranking.items, own).any()


def test_the_latest_item_is_in_no_list_though_another_is_banned() -> None:
    model = blend()
    for seed in range(6):
        model.learn_many(examples(64, seed, CPU))
    context = contexts(64, 9, CPU)
    context.items[:, 0] = torch.where(context.items[:, 0] != 0, keys(torch.tensor([5_000_001])), 0)
    ranking = model.predict_many(context, context.items[:, 1:2], 1_000)
    assert ranking.items.any()
    assert not (ranking.items == keys(torch.tensor([5_000_001]))).any()


def test_adam_steps_as_torchs_own() -> None:
    slopes = torch.randn(20, 3, 4, generator=torch.Generator().manual_seed(2))
    ours, theirs = torch.zeros(3, 4), torch.zeros(3, 4, requires_grad=True)
    adam, oracle = Adam(ours, 0.03), torch.optim.Adam([theirs], lr=0.03)
    for slope in slopes:
        adam.descend(slope)
        theirs.grad = slope.clone()
        oracle.step()
    assert torch.allclose(ours, theirs.detach(), atol=1e-6)
