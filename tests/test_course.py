"""Laws of retraining beside a learner that waits for it, in a small made-up shop."""

from collections.abc import Callable, Sequence
from contextlib import closing

import numpy as np
import pytest
import torch

from models.course import Course
from models.drift import Alarm
from models.events import Event
from models.examples import Examples
from models.names import Names
from models.recommender import Recommender
from models.rules import Rules
from producers.shop.plan import ShopPlan
from producers.shop.shop import Shop
from stream.bench.poisons import opposite
from stream.brain import Brain
from stream.challenge.kept import KeptModel
from stream.evaluation import Evaluation, Standing
from stream.progress import Mark
from stream.settings import Settings

PLAN = ShopPlan(seed=3, users=1_000, items=500, views_per_day=20_000.0, days=0.9)
NEVER = Rules(per_day=0)
NOW = 1_800_000_000_000
AT = 11_000  # examples


class Lived(Course):
    """A course in which something happens to the champion at some time."""

    happens: Callable[["Lived", Recommender], Recommender] | None = None

    def take(self, champion: Recommender, examples: Examples, alarms: Sequence[Alarm]) -> Recommender:
        successor = super().take(champion, examples, alarms)
        if self.happens is not None and self.taken >= AT:
            successor, self.happens = self.happens(self, successor), None
        return successor


def live(
    rules: Rules | None, happens: Callable[[Lived, Recommender], Recommender] | None = None
) -> tuple[list[Standing], Lived]:
    settings = Settings(device="cpu", batch=64)
    with closing(Brain(settings)) as brain:
        evaluation = Evaluation(brain, settings, NOW)
        course = Lived(brain.new, rules or NEVER)
        course.happens, evaluation.course = happens, course if rules else None
        curve = evaluation.run(record for record in Shop(PLAN).records() if isinstance(record, Event))
    return curve, course


def spoil(_: Lived, champion: Recommender) -> Recommender:
    """Have a model rank by the opposite of what it has learnt."""
    weights = champion.product._blend._weights
    weights.copy_(torch.from_numpy(opposite(weights.numpy())))
    return champion


def promote_a_spoilt_one(course: Lived, champion: Recommender) -> Recommender:
    """Put a copy of the champion in its place that ranks by the opposite of what it has learnt."""
    copy = KeptModel.of(champion, Mark(0, 0, {}), Names()).build(course.new)
    return course.promote(champion, spoil(course, copy))


def hit_rate(curve: list[Standing], start: int, end: int) -> float:
    events = np.array([standing.events for standing in curve])
    first, last = (
        curve[min(np.searchsorted(events, at), len(curve) - 1)].ranks["headrace"] for at in (start, end)
    )
    hits, scored = (sum(last[1:]) - sum(first[1:]), sum(last) - sum(first))
    return hits / scored


def test_a_champion_that_turns_bad_is_rolled_back_within_some_hundred_events() -> None:
    curve, course = live(NEVER, promote_a_spoilt_one)
    (rollback,) = [at for at, decision in course.decisions if decision.kind == "rollback"]
    assert AT < rollback < AT + 1_000
    good, after = hit_rate(curve, 6_000, 10_000), hit_rate(curve, 13_000, 20_000)
    assert after > 0.95 * good


def test_a_model_that_turns_bad_is_noticed_and_replaced() -> None:
    curve, course = live(Rules(), spoil)
    kinds = [decision.kind for _, decision in course.decisions]
    assert kinds[:4] == ["drift-alarm", "retrain-started", "retrain-trained", "promotion"]
    assert "rollback" not in kinds
    promoted = next(at for at, decision in course.decisions if decision.kind == "promotion")
    assert hit_rate(curve, promoted + 1_000, 20_000) > 0.9 * hit_rate(curve, 6_000, 10_000)


@pytest.mark.parametrize("rules", [NEVER, Rules(every_hours=2.0)])
def test_where_nothing_is_wrong_all_stays_as_it_is(rules: Rules) -> None:
    """Also with a challenger on trial: it is taught, and serves nobody."""
    curve, course = live(rules)
    kinds = {decision.kind for _, decision in course.decisions}
    assert kinds <= {"retrain-started", "retrain-trained", "retrain-dropped"}
    assert bool(kinds) == bool(rules.every_hours)
    plain = live(None)[0]
    assert curve[-1].ranks == plain[-1].ranks
