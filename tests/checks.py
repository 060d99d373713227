"""What every Learner must do, wrappers and baselines included."""

from collections.abc import Callable, Sequence

import torch
from lessons import UNKNOWN, contexts, examples
from states import same, state_of
from torch import Tensor

from models.context import Context
from models.learner import Learner
from models.ranking import Ranking

__all__ = ["CHECKS", "check_learner"]

# Returns the Learner new, with the same seed each time.
Make = Callable[[], Learner]

_BATCH = 64


def check_learner(make: Make, device: torch.device) -> None:
    """Check all laws of a Learner whose tensors are on ``device``."""
    for check in CHECKS:
        check(make, device)


def check_predict_is_pure(make: Make, device: torch.device) -> None:
    learner = _taught(make, device)
    context, banned = contexts(_BATCH, 50, device), _banned(51, device)
    before, given = state_of(learner), state_of([context, banned])
    first, second = (state_of(learner.predict_many(context, banned, 20)) for _ in range(2))
    assert same(first, second), "asking twice gives two answers"
    assert same(state_of([context, banned]), given), "predict changes what it is given"
    assert same(state_of(learner), before), "predict changes the learner"


def check_learn_changes_only_the_learner(make: Make, device: torch.device) -> None:
    learner, lesson = make(), examples(_BATCH, 1, device)
    given = state_of(lesson)
    for _ in range(3):
        learner.learn_many(lesson)
    assert same(state_of(lesson), given), "learn changes the examples"


def check_losses(make: Make, device: torch.device) -> None:
    learner = make()
    for seed in range(4):
        lesson = examples(_BATCH, seed, device)
        losses = learner.learn_many(lesson)
        assert losses.shape == (_BATCH,)
        assert losses.dtype == torch.float32
        assert losses.device.type == device.type
        assert not losses.requires_grad
        assert bool(losses.isfinite().all())
        assert bool((losses >= 0).all())
        assert not losses[~lesson.teaches].any(), "what teaches nothing has a loss"


def check_rankings(make: Make, device: torch.device) -> None:
    learner = _taught(make, device)
    context, banned = contexts(_BATCH, 60, device), _banned(61, device)
    for k in (1, 5, 20):
        _check_ranking(learner.predict_many(context, banned, k), banned, k)


def check_long_rankings_begin_with_short_ones(make: Make, device: torch.device) -> None:
    learner = _taught(make, device)
    context, banned = contexts(_BATCH, 60, device), _banned(61, device)
    long, short = (learner.predict_many(context, banned, k).items for k in (20, 7))
    assert torch.equal(long[:, :7], short)


def check_a_ban_only_takes_out(make: Make, device: torch.device) -> None:
    learner, context = _taught(make, device), contexts(_BATCH, 62, device)
    free = learner.predict_many(context, torch.zeros_like(context.items[:, :1]), 20).items
    bound = learner.predict_many(context, free[:, :3], 17).items
    assert torch.equal(bound, free[:, 3:])


def check_a_batch_of_one_is_a_batch(make: Make, device: torch.device) -> None:
    learner = _taught(make, device)
    context, banned = contexts(8, 70, device), _banned(71, device)[:8]
    together = learner.predict_many(context, banned, 20)
    for at in range(8):
        line = slice(at, at + 1)
        alone = learner.predict_many(Context(*(column[line] for column in context)), banned[line], 20)
        assert torch.equal(alone.items, together.items[line])
        assert torch.allclose(alone.scores, together.scores[line], rtol=1e-3, atol=1e-4)
    for lesson in examples(8, 5, device).steps(1):
        assert learner.learn_many(lesson).shape == (1,)


def check_an_empty_batch_teaches_nothing(make: Make, device: torch.device) -> None:
    asked, nobody = contexts(_BATCH, 63, device), contexts(0, 0, device)
    for learner in (make(), _taught(make, device)):
        before = state_of(learner.predict_many(asked, asked.items, 20))
        ranking = learner.predict_many(nobody, nobody.items, 20)
        assert [tuple(column.shape) for column in ranking] == [(0, 20)] * 3
        assert learner.learn_many(examples(0, 0, device)).shape == (0,)
        assert same(state_of(learner.predict_many(asked, asked.items, 20)), before)


def check_strangers_get_a_defined_answer(make: Make, device: torch.device) -> None:
    nobody, strangers = (contexts(4, 80, device) for _ in range(2))
    nobody.items.zero_()
    strangers.items[strangers.items != 0] += UNKNOWN
    for learner in (make(), _taught(make, device)):
        for context in (nobody, strangers):
            _check_ranking(learner.predict_many(context, strangers.items, 20), strangers.items, 20)


def check_the_same_lessons_make_the_same_learner(make: Make, device: torch.device) -> None:
    if device.type != "cpu":
        return  # a GPU adds up in any order
    one, two = _taught(make, device), _taught(make, device)
    assert same(state_of(one), state_of(two))


CHECKS: Sequence[Callable[[Make, torch.device], None]] = (
    check_predict_is_pure,
    check_learn_changes_only_the_learner,
    check_losses,
    check_rankings,
    check_long_rankings_begin_with_short_ones,
    check_a_ban_only_takes_out,
    check_a_batch_of_one_is_a_batch,
    check_an_empty_batch_teaches_nothing,
    check_strangers_get_a_defined_answer,
    check_the_same_lessons_make_the_same_learner,
)


def _taught(make: Make, device: torch.device) -> Learner:
    learner = make()
    for seed in range(10, 16):
        learner.learn_many(examples(_BATCH, seed, device))
    return learner


def _banned(seed: int, device: torch.device) -> Tensor:
    """Return int64[B, 4]: no item, an item that nobody has taught, and known ones."""
    banned = contexts(_BATCH, seed, device).items[:, :4].clone()
    banned[:, 3] += UNKNOWN
    return banned


def _check_ranking(ranking: Ranking, banned: Tensor, k: int) -> None:
    items, scores, source = ranking
    shape = (len(banned), k)
    assert (items.shape, scores.shape, source.shape) == (shape,) * 3
    assert (items.dtype, scores.dtype, source.dtype) == (torch.int64, torch.float32, torch.uint8)
    empty = items == 0
    assert bool(scores.isfinite().all())
    assert not scores[empty].any(), "an empty place has a score"
    assert not (empty[:, :-1] & ~empty[:, 1:]).any(), "an empty place before an item"
    assert not ((items[:, :, None] == banned[:, None, :]) & ~empty[:, :, None]).any(), "a banned item"
    ordered = items.sort(dim=1).values
    assert not ((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] != 0)).any(), "an item twice"
    falls = (scores[:, 1:] > scores[:, :-1]) & ~empty[:, 1:]
    assert not falls.any(), "a better score stands behind a worse one"
