"""Lives of made-up shops: what a learner notices in them, and what retraining makes of it."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import takewhile
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

import msgspec
import torch
from msgspec.structs import replace

from models.course import Course
from models.drift import Alarm
from models.events import Decision, Event, Item
from models.examples import Examples
from models.guardrails import Unfit, require_finite
from models.names import Names
from models.recommender import Recommender
from models.rules import Rules
from producers.logs import first_events, open_log, read_log
from producers.reading import Reading
from producers.shop.plan import ShopPlan
from producers.shop.shop import Shop
from stream.bench.curves import back_after, events_at
from stream.bench.poisons import POISONS
from stream.brain import Brain
from stream.challenge.kept import KeptModel
from stream.evaluation import Evaluation, Standing
from stream.progress import Mark
from stream.settings import Settings

__all__ = ["Lived", "Noticed", "Replayed", "live", "live_poisoned", "notice", "replay"]

_BATCH: Final = 64
# Events after a drift in which it is to be noticed.
WITHIN: Final = 25_000
# Examples after which the champion is replaced by one that is poisoned.
_POISONED_AFTER: Final = 40_000
_NEVER: Final = Rules(per_day=0)

_Course = TypeVar("_Course", bound=Course)


class Noticed(msgspec.Struct, frozen=True):
    """What was noticed in a shop: alarms before its drift, and events from then until one, None for never."""

    seed: int
    false_alarms: int
    after: int | None


class Lived(msgspec.Struct, frozen=True):
    """What came of a shop, in events from its drift on; None for what did not happen."""

    seed: int
    events: int
    hit_rate: float
    decisions: list[str]
    was_replaced: bool
    back_after: int | None


class Replayed(msgspec.Struct, frozen=True):
    """What came of a recorded log: the hit rate with and without retraining."""

    log: str
    events: int
    hit_rate: float
    without: float
    decisions: list[Decision]

    @property
    def lost(self) -> float:
        """The share of the hit rate that retraining has cost; below 0 where it has brought something."""
        return 1 - self.hit_rate / self.without


class _Drift(NamedTuple):
    """When tastes change, and how many events come before."""

    ts: int
    events: int


def notice(plan: ShopPlan) -> Noticed:
    """Live through a shop until its drift is noticed, or was not for 25,000 events; nobody is trained.

    On one thread, as others run beside it; so with the others.
    """
    change = _drift_of(plan)

    def is_over(course: Course, standing: Standing) -> bool:
        is_noticed = any(decision.ts >= change.ts for _, decision in course.decisions)
        return is_noticed or standing.events > change.events + WITHIN

    curve, course = _lived(_records(plan), lambda brain: Course(brain.new, _NEVER), is_over)
    alarms = [decision.ts >= change.ts for _, decision in course.decisions]
    after = curve[-1].events - change.events if any(alarms) else None
    return Noticed(plan.seed, alarms.count(False), after)


def live(plan: ShopPlan, *, retrains: bool = True) -> Lived:
    """Live through a shop, with or without retraining."""
    rules = Rules() if retrains else _NEVER
    curve, course = _lived(_records(plan), lambda brain: Course(brain.new, rules))
    return Lived(
        seed=plan.seed,
        events=curve[-1].events,
        hit_rate=curve[-1].quality["headrace"].hit_rate_20,
        decisions=[f"{at:,} {one.kind}: {one.reason}" for at, one in course.decisions],
        was_replaced=any(one.kind == "promotion" for _, one in course.decisions),
        back_after=back_after(curve, _drift_of(plan).events),
    )


def live_poisoned(plan: ShopPlan, poison: str) -> int | None:
    """Return for how many events a poisoned champion served: 0 if it never did, None if to the end."""
    curve, course = _lived(_records(plan), lambda brain: _Poisoned(brain, poison))
    if course.is_refused:
        return 0
    rollbacks = (at for at, one in course.decisions if one.kind == "rollback")
    began = events_at(curve, _POISONED_AFTER)
    return next((events_at(curve, at) - began for at in rollbacks), None)


def replay(path: Path, rules: Rules, limit: int | None = None) -> Replayed:
    """Replay a log with retraining and, where a model was replaced, without: else that changes nothing."""

    def run(rules: Rules) -> tuple[Standing, list[Decision]]:
        records = first_events(read_log(open_log(path), Reading()), limit)
        curve, course = _lived(records, lambda brain: Course(brain.new, rules))
        return curve[-1], [decision for _, decision in course.decisions]

    last, decisions = run(rules)
    was_replaced = any(decision.kind == "promotion" for decision in decisions)
    without = run(_NEVER)[0] if was_replaced else last
    own, other = (standing.quality["headrace"].hit_rate_20 for standing in (last, without))
    return Replayed(path.name, last.events, own, other, decisions)


def _records(plan: ShopPlan) -> Iterator[Event | Item]:
    return (record for record in Shop(plan).records() if isinstance(record, Event | Item))


def _lived(
    records: Iterable[Event | Item],
    course_of: Callable[[Brain], _Course],
    is_over: Callable[[_Course, Standing], bool] = lambda _, __: False,
) -> tuple[list[Standing], _Course]:
    torch.set_num_threads(1)
    settings = replace(Settings(device="cpu"), batch=_BATCH)
    with closing(Brain(settings)) as brain:
        evaluation = Evaluation(brain, settings, time.time_ns() // 1_000_000)
        evaluation.course = course = course_of(brain)
        looked: list[bool] = []  # after each batch, whether that is enough
        taken = takewhile(lambda _: not any(looked[-1:]), records)
        curve = evaluation.run(taken, lambda standing: looked.append(is_over(course, standing)))
    return curve, course


class _Poisoned(Course):
    """A course in which a champion is replaced by itself with a poison in it, as if it had been promoted."""

    def __init__(self, brain: Brain, poison: str) -> None:
        super().__init__(brain.new, _NEVER)
        self._poison, self._is_poisoned, self.is_refused = POISONS[poison], False, False

    def take(self, champion: Recommender, examples: Examples, alarms: Sequence[Alarm]) -> Recommender:
        champion = super().take(champion, examples, alarms)
        if self._is_poisoned or self.taken < _POISONED_AFTER:
            return champion
        self._is_poisoned = True
        kept = KeptModel.of(champion, Mark(0, 0, {}), Names())
        poisoned = kept._replace(snapshot=self._poison(kept.snapshot)).build(self.new)
        try:
            require_finite(poisoned, examples.context)
        except Unfit:
            self.is_refused = True
            return champion
        return self.promote(champion, poisoned)


def _drift_of(plan: ShopPlan) -> _Drift:
    events = sum(isinstance(it, Event) and it.ts < plan.drifts[0] for it in Shop(plan).records())
    return _Drift(plan.drifts[0], events)
