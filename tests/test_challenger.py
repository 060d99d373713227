"""Laws of a challenger: judged by what it would have served, by the same events as the champion."""

import numpy as np
import pytest
import torch
from lessons import examples, pair_lessons

import models.challenger
from models.challenger import Challenger, Standing, contexts_after
from models.context import CONTEXT_ITEMS
from models.copies import copy_of
from models.examples import NOBODY, Examples
from models.metrics import MISSED, NOT_SCORED
from models.recommender import Recommender
from models.stock import Stock

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
    lesson = pair_lessons(20, 1, CPU)  # two events of each user, one after the other
    after = contexts_after(lesson)
    assert torch.equal(after.items[::2], lesson.context.items[1::2])
    assert torch.equal(after.actions[::2], lesson.context.actions[1::2])
    assert torch.equal(after.ts[::2, 0], lesson.ts[::2])


def test_a_context_after_an_event_has_each_item_once_and_as_many_as_there_is_room_for() -> None:
    lesson = examples(40, 1, CPU)
    after = contexts_after(lesson)
    for at, item in enumerate(lesson.item.tolist()):
        before = [key for key in lesson.context.items[at].tolist() if key not in (0, item)]
        assert after.items[at].tolist() == ([item, *before] + [0] * CONTEXT_ITEMS)[:CONTEXT_ITEMS]


def hits(model: Recommender, step: Examples, served: dict[int, torch.Tensor]) -> int:
    """Return how many of a step's second events are in what a model had for their users; then make lists."""
    found = 0
    lists = model.predict_many(contexts_after(step), step.item[:, None], 20).items
    for at, who in enumerate(step.who.tolist()):
        if who in served and step.rank[at] != NOT_SCORED:
            found += int(step.item[at] in served[who])
        served[who] = lists[at]
    model.learn_many(step)
    return found


@pytest.mark.parametrize("size", [1, 7, 64])
def test_both_are_judged_by_the_lists_that_they_made_after_the_users_events_before(size: int) -> None:
    """Whatever the steps: the second event of each user counts, and is in the list after the first or not."""
    challenger = Challenger(taught(), new())
    others = taught(), new()
    found, served = [0, 0], [dict[int, torch.Tensor](), dict[int, torch.Tensor]()]
    for step in of_users(200, 1).steps(size):
        challenger.follow(step)
        for number, model in enumerate(others):
            found[number] += hits(model, step, served[number])
    standing = challenger.standing
    assert standing.pairs == 100
    assert standing.hit_rate == pytest.approx(found[0] / 100)
    assert standing.of_champion == pytest.approx(found[1] / 100)
    assert standing.hit_rate > standing.of_champion


def test_one_that_knows_is_better_and_one_that_knows_nothing_is_worse() -> None:
    knowing, ignorant = Challenger(taught(), new()), Challenger(new(), taught())
    for seed in range(3):
        lesson = of_users(400, seed)
        knowing.follow(lesson)
        ignorant.follow(lesson)
    assert knowing.standing.verdict == "better"
    assert ignorant.standing.verdict == "worse"


def test_a_copy_of_the_champion_foresees_what_it_foresees_whatever_that_one_had_served() -> None:
    """That a list was shorter, withheld something or came of an older model counts for nobody."""
    champion = taught(5)
    challenger = Challenger(copy_of(champion, new), champion)
    for seed in range(6):
        lesson = of_users(400, seed)
        missed = torch.where(lesson.rank == NOT_SCORED, NOT_SCORED, MISSED).to(torch.int8)
        challenger.follow(lesson._replace(rank=missed))
    standing = challenger.standing
    assert standing.pairs == 1_200
    assert 0 < standing.hit_rate == standing.of_champion
    assert (standing.low, standing.high, standing.verdict) == (-1.0, 1.0, "")


def test_nobody_is_judged() -> None:
    challenger, lesson = Challenger(taught(), new()), of_users(64, 1)
    challenger.follow(lesson._replace(who=torch.full_like(lesson.who, NOBODY)))
    challenger.follow(lesson._replace(who=torch.full_like(lesson.who, NOBODY)))
    assert challenger.standing.pairs == 0


def test_who_came_long_ago_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models.challenger, "_USERS", 3)
    challenger, lesson = Challenger(taught(), new()), of_users(8, 1)
    first, second = lesson.take(np.arange(8) % 2 == 0), lesson.take(np.arange(8) % 2 == 1)
    challenger.follow(first)  # four users, of whom three are remembered
    challenger.follow(second)
    assert challenger.standing.pairs == 3


def test_a_user_who_is_erased_is_judged_no_more() -> None:
    challenger, lesson = Challenger(taught(), new()), of_users(2, 1)
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
        (Standing(24_999, 0.5, 0.5, -1.0, 1.0, patience=25_000), ""),
        (Standing(25_000, 0.5, 0.5, -1.0, 1.0, patience=25_000), "no better"),
    ],
)
def test_verdicts(standing: Standing, verdict: str) -> None:
    assert standing.verdict == verdict
