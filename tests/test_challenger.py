"""Laws of a challenger: judged by what it would have served, by the same events as the champion."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from lessons import examples, keys, pair_lessons

import models.challenger
from models.challenger import Challenger, Standing, contexts_after
from models.context import CONTEXT_ITEMS
from models.examples import NOBODY, Examples
from models.metrics import NOT_SCORED, rank_of
from models.recommender import Recommender
from models.stock import Stock
from models.training import Lap, Training

CPU = torch.device("cpu")


def new() -> Recommender:
    return Recommender(Stock(10_000, CPU), seed=3)


def of_users(count: int, seed: int) -> Examples:
    """Return the events of users who each see item 2 i, then 2 i + 1; all seconds are scored, and missed."""
    lesson = pair_lessons(20, seed, CPU)
    lesson = Examples.join([lesson] * (count // len(lesson.item) + 1)).steps(count)[0]
    who = torch.arange(count) // 2 + 1 + seed * 10_000
    rank = torch.where(torch.arange(count) % 2 == 1, 0, NOT_SCORED).to(torch.int8)
    return lesson._replace(who=who, rank=rank)


def taught(lessons: int = 30) -> Recommender:
    recommender = new()
    for seed in range(lessons):
        recommender.learn_many(pair_lessons(20, seed, CPU))
    return recommender


def test_a_context_after_an_event_is_that_of_the_next_example_of_its_user() -> None:
    """Two ways to the same: what the next example says was known, and the example before with its event."""
    lesson = examples(40, 1, CPU)
    after = contexts_after(lesson)
    for at in range(40):
        item = int(lesson.item[at])
        before = [key for key in lesson.context.items[at].tolist() if key not in (0, item)]
        assert after.items[at].tolist() == ([item, *before] + [0] * CONTEXT_ITEMS)[:CONTEXT_ITEMS]
        assert after.ts[at, 0] == lesson.ts[at]
        assert after.actions[at, 0] == lesson.action[at]


@pytest.mark.parametrize("size", [1, 7, 64])
def test_it_is_judged_by_the_lists_that_it_made_after_the_users_events_before(size: int) -> None:
    """Whatever the steps: the second event of each user counts, and is in the list after the first or not."""
    champion, other = taught(), taught()
    challenger, hits, pairs = Challenger(champion), 0, 0
    served: dict[int, torch.Tensor] = {}
    for step in of_users(200, 1).steps(size):
        challenger.follow(step)
        lists = other.predict_many(contexts_after(step), step.item[:, None], 20).items
        for at, who in enumerate(step.who.tolist()):
            if who in served and step.rank[at] != NOT_SCORED:
                pairs += 1
                hits += int(step.item[at] in served[who])
            served[who] = lists[at]
        other.learn_many(step)
    assert pairs == 100
    assert challenger.standing.pairs == pairs
    assert challenger.standing.hit_rate == pytest.approx(hits / pairs)
    assert challenger.standing.of_champion == 0


def test_one_that_knows_is_better_and_one_that_knows_nothing_is_worse() -> None:
    knowing, ignorant = Challenger(taught()), Challenger(new())
    for seed in range(3):
        lesson = of_users(400, seed)
        knowing.follow(lesson)
        scored = lesson.rank != NOT_SCORED
        ignorant.follow(lesson._replace(rank=torch.where(scored, 1, NOT_SCORED).to(torch.int8)))
    assert knowing.standing.verdict == "better"
    assert ignorant.standing.verdict == "worse"


def test_nobody_is_judged() -> None:
    challenger, lesson = Challenger(taught()), of_users(64, 1)
    challenger.follow(lesson._replace(who=torch.full_like(lesson.who, NOBODY)))
    challenger.follow(lesson._replace(who=torch.full_like(lesson.who, NOBODY)))
    assert challenger.standing.pairs == 0


def test_who_came_long_ago_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models.challenger, "_USERS", 3)
    challenger, lesson = Challenger(taught()), of_users(8, 1)
    first, second = lesson.take(np.arange(8) % 2 == 0), lesson.take(np.arange(8) % 2 == 1)
    challenger.follow(first)  # four users, of whom three are remembered
    challenger.follow(second)
    assert challenger.standing.pairs == 3


def test_a_user_who_is_erased_is_judged_no_more() -> None:
    challenger, lesson = Challenger(taught()), of_users(2, 1)
    first, second = lesson.steps(1)
    challenger.follow(first)
    challenger.forget([int(first.who[0]), 5])
    challenger.follow(second)
    assert challenger.standing.pairs == 0


@pytest.mark.parametrize(
    ("standing", "verdict"),
    [
        (Standing(10, 0.5, 0.5, -1.0, 1.0), ""),
        (Standing(10, 0.5, 0.5, 0.0, 1.0), ""),  # better, but by how much?
        (Standing(10, 0.5, 0.5, 0.001, 1.0), "better"),
        (Standing(10, 0.5, 0.5, -1.0, 0.001), ""),
        (Standing(10, 0.5, 0.5, -1.0, 0.0), "worse"),
        (Standing(49_999, 0.5, 0.5, -1.0, 1.0), ""),
        (Standing(50_000, 0.5, 0.5, -1.0, 1.0), "no better"),
    ],
)
def test_verdicts(standing: Standing, verdict: str) -> None:
    assert standing.verdict == verdict


def hit_rate(recommender: Recommender, lesson: Examples) -> float:
    chosen = lesson.teaches
    context = type(lesson.context)(*(column[chosen] for column in lesson.context))
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
    assert max(lap.passes for lap in laps) == len(trained.hit_rates)
    assert all(one.learnt <= other.learnt or one.passes < other.passes for one, other in pairwise(laps))
    # The last pass did not help, or there are no more than three; all before it did.
    assert all(one < other for one, other in pairwise(trained.hit_rates[:-1]))


def test_a_pass_that_does_not_help_is_taken_back() -> None:
    """Rehearsing on the spot: what is kept is what there was before the pass."""
    window = [scored(pair_lessons(40, seed, CPU)) for seed in range(20)]

    def once(recommender: Recommender) -> Recommender:
        recommender.rehearse_many = lambda _: spoil(recommender)  # type: ignore[method-assign]
        return recommender

    def spoil(recommender: Recommender) -> None:
        recommender.product.popularity._table["neighbour"].zero_()
        recommender.product.popularity._table["weight"].zero_()

    spoilt = Training(lambda: once(new()), window).run()
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
    window = [scored(pair_lessons(40, seed, CPU)) for seed in range(4)]
    trained = Training(new, window).run()
    items = torch.cat([lesson.item[lesson.teaches] for lesson in window])
    assert np.array_equal(trained.recommender.negatives.items.numpy(), items.numpy())
