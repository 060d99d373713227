"""Laws of the embedding learner; what is statistical holds on five seeds and fails without the step."""

import itertools

import pytest
import torch
from lessons import UNKNOWN, contexts, examples, keys, pair_lessons
from torch import Tensor

import models.embedding
from models.adam import Adam
from models.context import Context
from models.embedding import EmbeddingLearner, Hyperparameters
from models.examples import Examples
from models.losses import Candidates, sampled_softmax
from models.table import Table

CPU = torch.device("cpu")
PAIRS = 100
SMALL = Hyperparameters(drawn_from=2_000)
SEEDS = pytest.mark.parametrize("seed", range(5))


def learner(seed: int, limit: int = 1_000) -> EmbeddingLearner:
    return EmbeddingLearner(Table(SMALL.columns, limit, CPU, seed), seed, SMALL)


def hit_rate(model: EmbeddingLearner, known: Tensor, wanted: Tensor, k: int = 1) -> float:
    """Return how often one of the ``k`` items for a user who knows one item is the wanted one."""
    context = Context(known[:, None], known[:, None].ne(0).to(torch.uint8), known[:, None])
    found = model.predict_many(context, known[:, None], k).items
    return float((found == wanted[:, None]).any(dim=1).float().mean())


def taught_pairs(seed: int) -> EmbeddingLearner:
    model = learner(seed)
    for lesson in pair_lessons(PAIRS, seed, CPU).steps(120):
        for _ in range(5):
            model.learn_many(lesson)
    return model


def first_and_second() -> tuple[Tensor, Tensor]:
    numbers = torch.arange(1, PAIRS + 1)
    return keys(2 * numbers), keys(2 * numbers + 1)


@SEEDS
def test_it_learns_which_item_follows_which_in_both_directions(seed: int) -> None:
    model, (first, second) = taught_pairs(seed), first_and_second()
    assert hit_rate(model, first, second) > 0.9
    assert hit_rate(model, second, first) > 0.9


@pytest.mark.parametrize("direction", [0, 1], ids=["item after context", "context before item"])
def test_each_direction_teaches_by_itself(direction: int, monkeypatch: pytest.MonkeyPatch) -> None:
    turns = itertools.count()

    def half(queries: Tensor, positives: Candidates, negatives: Candidates) -> Tensor:
        return sampled_softmax(queries, positives, negatives) * (next(turns) % 2 == direction)

    monkeypatch.setattr(models.embedding, "sampled_softmax", half)
    assert hit_rate(taught_pairs(0), *first_and_second()) > 0.9


@SEEDS
def test_without_the_step_it_knows_nothing(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EmbeddingLearner, "_descend", lambda *_: None)
    model, (first, second) = taught_pairs(seed), first_and_second()
    assert hit_rate(model, first, second, k=5) < 0.2


@SEEDS
def test_the_loss_falls_on_what_was_learnt(seed: int) -> None:
    model, lesson = learner(seed), pair_lessons(PAIRS, seed, CPU)
    first = model.learn_many(lesson).mean()
    for _ in range(10):
        last = model.learn_many(lesson).mean()
    assert last < first - 0.5


def test_a_loss_is_from_before_the_step() -> None:
    lesson = examples(64, 1, CPU)
    model, still = learner(0), learner(0)
    still._descend = lambda *_: None  # type: ignore[method-assign]
    assert torch.equal(model.learn_many(lesson), still.learn_many(lesson))


def test_each_step_draws_otherwise_and_the_same_step_the_same() -> None:
    def weights(version: int) -> Tensor:
        model, lesson = learner(0), examples(64, 1, CPU)
        model.learn_many(lesson)
        model.table.version = version
        model.learn_many(lesson)
        return model.table["weight"]

    assert torch.equal(weights(5), weights(5))
    assert not torch.equal(weights(5), weights(6))


def test_row_0_stays_zero() -> None:
    model = learner(0, limit=30)  # fewer rows than items: some examples are of row 0
    for seed in range(5):
        model.learn_many(examples(64, seed, CPU))
    assert model.table["weight"][1:].any()
    assert not any(model.table[name][0].any() for name in ("key", "weight", "square", "count"))


def test_learning_leaves_items_alone_that_took_no_part() -> None:
    model = learner(0)
    model.learn_many(examples(64, 1, CPU))
    stranger = keys(torch.tensor([500]))
    row = model.table.admit(stranger)
    before = model.table["weight"][row].clone()
    for seed in range(3):
        model.learn_many(examples(64, seed, CPU))
    assert torch.equal(model.table["weight"][row], before)


def test_rows_that_were_evicted_are_neither_learnt_of_nor_recommended() -> None:
    model, (first, second) = taught_pairs(0), first_and_second()
    model.table.evict(model.table.find(second[:50]))  # they are drawn as negatives all the same
    lesson = examples(64, 1, CPU)
    lesson.context.items[:, :8] = second[:8]
    lesson.context.items[::2, :8] = first[:8]
    losses = model.learn_many(lesson._replace(item=first[torch.arange(64) % 50]))
    assert losses.isfinite().all()
    assert torch.equal(losses > 0, torch.arange(64) % 2 == 0)
    context = Context(first[:, None], first[:, None].ne(0).to(torch.uint8), first[:, None])
    found = model.predict_many(context, first[:, None], 20).items
    assert not torch.isin(found, second[:50]).any()
    assert model.table["weight"].isfinite().all()


def test_every_lesson_is_a_version_and_nothing_else_is() -> None:
    model, lesson = learner(0), examples(64, 1, CPU)
    model.learn_many(lesson)
    model.predict_many(lesson.context, lesson.item[:, None], 20)
    assert model.table.version == 1
    model.learn_many(unknown_users(lesson))  # it counts the items, though there is no step to take
    assert model.table.version == 2


def unknown_users(lesson: Examples) -> Examples:
    nobody = contexts(len(lesson.item), 0, CPU)
    nobody.items.zero_()
    return lesson._replace(context=nobody)


def test_every_row_that_a_lesson_changes_is_said_to_have_changed() -> None:
    model, names = learner(0), list(SMALL.columns)
    model.learn_many(examples(64, 1, CPU))
    for turn in range(6):
        model.table.take_changes()
        before = {name: model.table[name].clone() for name in names}
        lesson = examples(8, turn, CPU)
        model.learn_many(lesson if turn % 2 else unknown_users(lesson))
        reported = torch.zeros(len(model.table["key"]), dtype=torch.bool)
        reported[model.table.take_changes().rows] = True
        for name, column in before.items():
            changed = (model.table[name][: len(column)] != column).view(len(column), -1).any(dim=1)
            assert not (changed & ~reported[: len(column)]).any()
        assert reported.any()


def test_a_horizon_beyond_the_rows_that_are_looked_up_is_refused() -> None:
    with pytest.raises(ValueError, match="a horizon of 9 items"):
        EmbeddingLearner(Table(SMALL.columns, 10, CPU, seed=0), 0, SMALL._replace(horizon=9))


def test_a_gradient_that_is_no_number_does_not_reach_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    model, lesson = taught_pairs(1), pair_lessons(PAIRS, 1, CPU)
    before, square = model.table["weight"].clone(), model.table["square"].clone()
    real = torch.autograd.grad

    def spoilt(loss: Tensor, weights: tuple[Tensor, ...]) -> list[Tensor]:
        slopes = [slope.clone() for slope in real(loss, weights)]
        slopes[1][0, 3], slopes[2][1, 5] = torch.nan, torch.inf
        return slopes

    monkeypatch.setattr(torch.autograd, "grad", spoilt)
    model.learn_many(lesson)
    latest, items = lesson.context.items[lesson.teaches][0, 0], lesson.item[lesson.teaches][1]
    rows = model.table.find(torch.stack([latest, items]))
    assert model.table["weight"].isfinite().all()
    assert model.table["square"].isfinite().all()
    assert torch.equal(model.table["weight"][rows], before[rows])
    assert not torch.equal(model.table["weight"], before)
    assert (model.table["square"][rows] <= square[rows]).all()
    assert int(model.refused) == 2


def test_no_vector_grows_beyond_the_bound_and_no_step_beyond_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models.embedding, "_LONGEST", 0.5)
    model, longest = learner(1), SMALL.learning_rate * SMALL.dimensions**0.5
    for lesson in pair_lessons(PAIRS, 1, CPU).steps(120):
        before = model.table["weight"].clone()
        model.learn_many(lesson)
        after = model.table["weight"]
        assert after.norm(dim=1).max() <= 0.5 * (1 + 1e-6)
        assert (after[: len(before)] - before).norm(dim=1).max() <= longest * (1 + 1e-5)
    assert after.norm(dim=1).max() > 0.49


def test_a_slope_that_is_no_number_moves_no_weight() -> None:
    weights = torch.zeros(3)
    adam = Adam(weights, 0.1)
    adam.descend(torch.tensor([1.0, torch.nan, 0.0]))
    assert torch.equal(weights, torch.zeros(3))
    adam.descend(torch.tensor([1.0, 0.0, 0.0]))
    assert weights.isfinite().all()
    assert weights[0] < 0


def test_who_rehearses_counts_nothing_twice_and_learns() -> None:
    model, lesson = learner(1), pair_lessons(PAIRS, 1, CPU)
    model.learn_many(lesson)
    seen, counts, items = model.seen, model.table["count"].clone(), model.negatives.items.clone()
    weights, version = model.table["weight"].clone(), model.table.version
    stranger = lesson._replace(item=lesson.item + UNKNOWN)
    model.rehearse_many(lesson)
    model.rehearse_many(stranger)
    assert (model.seen, model.table.version) == (seen, version + 2)
    assert torch.equal(model.table["count"], counts)
    assert torch.equal(model.negatives.items, items)
    assert not torch.equal(model.table["weight"], weights)
