"""Laws of a training: what a challenger has learnt, and from how many passes."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from lessons import examples, keys, pair_lessons

from models.examples import Examples
from models.metrics import NOT_SCORED, rank_of
from models.recommender import Recommender
from models.stock import Stock
from models.training import Lap, Training

CPU = torch.device("cpu")


def new() -> Recommender:
    return Recommender(Stock(10_000, CPU), seed=3)


def new_that_a_second_pass_spoils() -> Recommender:
    recommender = new()

    def spoil(_: Examples) -> None:
        for name in ("neighbour", "weight"):
            recommender.product.popularity._table[name].zero_()

    recommender.rehearse_many = spoil  # type: ignore[method-assign]
    return recommender


def hit_rate(recommender: Recommender, lesson: Examples) -> float:
    chosen = lesson.teaches
    context = lesson.context.take(chosen)
    served = recommender.predict_many(context, context.items[:, :1], 20).items
    return float((rank_of(lesson.item[chosen], served) > 0).float().mean())


def scored(lesson: Examples) -> Examples:
    return lesson._replace(rank=torch.where(lesson.teaches, 0, NOT_SCORED).to(torch.int8))


def test_a_training_tells_of_every_pass_and_learns_what_it_is_given() -> None:
    window = [scored(pair_lessons(40, seed, CPU)) for seed in range(20)]
    laps: list[Lap] = []
    trained = Training(new, window).run(laps.append)
    assert hit_rate(trained.recommender, window[0]) > 0.9
    assert {lap.window for lap in laps} == {trained.window}
    assert max(lap.pass_number for lap in laps) == len(trained.hit_rates)
    assert [lap.pass_number for lap in laps] == [*range(1, len(laps) + 1)]
    # The last pass did not help, or there are no more than three; all before it did.
    assert all(one < other for one, other in pairwise(trained.hit_rates[:-1]))


def test_a_pass_that_does_not_help_is_taken_back() -> None:
    """Rehearsing on the spot: what is kept is what there was before the pass."""
    window = [scored(pair_lessons(40, seed, CPU)) for seed in range(20)]
    spoilt = Training(new_that_a_second_pass_spoils, window).run()
    assert len(spoilt.hit_rates) == 2
    assert spoilt.hit_rates[1] < spoilt.hit_rates[0]
    assert hit_rate(spoilt.recommender, window[0]) > 0.9


def walks(seed: int, *, changed: bool) -> Examples:
    """Return pairs of items out of one of four groups of forty each; once that has changed, out of others."""
    rng = np.random.default_rng(seed)
    group, first, second = rng.integers(0, 4, 256), rng.integers(0, 40, 256), rng.integers(0, 40, 256)
    number = (lambda of: group + 4 * of + 1) if changed else (lambda of: 40 * group + of + 1)
    lesson = scored(examples(256, seed, CPU))
    items = torch.zeros_like(lesson.context.items)
    items[:, 0] = keys(torch.from_numpy(number(first)))
    there = items != 0
    context = lesson.context._replace(
        items=items, actions=there.to(torch.uint8) * 3, ts=there * (lesson.ts[:, None] - 1)
    )
    return scored(lesson._replace(context=context, item=keys(torch.from_numpy(number(second)))))


@pytest.mark.parametrize("changed", [True, False])
def test_where_all_has_changed_what_is_recent_wins_and_else_the_whole(*, changed: bool) -> None:
    before = [walks(seed, changed=False) for seed in range(80)]
    after = [walks(seed, changed=changed) for seed in range(80, 96)]
    recent = sum(len(lesson.item) for lesson in after)
    trained = Training(new, [*before, *after], recent).run()
    assert (trained.window < recent) == changed


def test_the_ring_of_a_restored_model_is_as_if_it_had_learnt_the_window() -> None:
    window = [scored(pair_lessons(40, seed, CPU)) for seed in range(20)]
    trained = Training(new_that_a_second_pass_spoils, window).run()
    assert len(trained.hit_rates) == 2  # the second pass was taken back
    items = torch.cat([lesson.item[lesson.teaches] for lesson in window])
    assert np.array_equal(trained.recommender.negatives.items.numpy(), items.numpy())
