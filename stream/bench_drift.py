"""Lives of made-up shops: what a learner notices in them, and what retraining makes of it."""

import time
from collections.abc import Callable
from contextlib import closing
from typing import Final, NamedTuple, TypeVar

import msgspec
import numpy as np
import torch
from msgspec.structs import replace

from models.course import Course
from models.events import Event, Item
from models.examples import Examples
from models.guardrails import Unfit, inspect
from models.recommender import Recommender
from models.rules import Rules
from models.snapshot import Rows, Snapshot
from producers.shop.plan import ShopPlan
from producers.shop.shop import Shop
from stream.brain import Brain
from stream.challenge.kept import KeptModel
from stream.evaluation import Evaluation, Standing
from stream.progress import Mark
from stream.settings import Settings

__all__ = ["POISONS", "Lived", "live", "live_poisoned"]

_BATCH: Final = 64
# The hit rate is back once 5,000 scored events in a row come to so much of what it was.
_BACK: Final = 0.95
_SPAN: Final = 5_000
# Examples after which the champion is replaced by one that is poisoned.
_POISONED_AFTER: Final = 40_000

_Course = TypeVar("_Course", bound=Course)


class Lived(msgspec.Struct, frozen=True):
    """What happened in a shop; events are counted from its drift, None for what did not happen."""

    seed: int
    events: int
    hit_rate: float
    decisions: list[str]
    false_alarms: int
    was_replaced: bool
    noticed_after: int | None = None
    back_after: int | None = None


class _Drift(NamedTuple):
    """When tastes change, and how many events come before, and examples of them."""

    ts: int
    events: int
    examples: int


def live(plan: ShopPlan, *, retrains: bool = True) -> Lived:
    """Live through a shop, with or without retraining; on one thread, as others run beside it."""
    curve, course = _lived(plan, lambda brain: Course(brain.new, Rules() if retrains else Rules(per_day=0)))
    alarms = [(at, one.ts) for at, one in course.decisions if one.kind == "drift-alarm"]
    change = _drift_of(plan)
    true = [at for at, ts in alarms if change and ts >= change.ts]
    return Lived(
        seed=plan.seed,
        events=curve[-1].events,
        hit_rate=curve[-1].quality["headrace"].hit_rate_20,
        decisions=[f"{at:,} {one.kind}: {one.reason}" for at, one in course.decisions],
        false_alarms=len(alarms) - len(true),
        was_replaced=any(one.kind == "promotion" for _, one in course.decisions),
        noticed_after=true[0] - change.examples if change and true else None,
        back_after=_back_after(curve, change.events) if change else None,
    )


def live_poisoned(plan: ShopPlan, poison: str) -> int | None:
    """Return for how many events a poisoned champion served: 0 if it never did, None if it did to the end."""
    _, course = _lived(plan, lambda brain: _Poisoned(brain, poison))
    if course.is_refused:
        return 0
    return next((at - _POISONED_AFTER for at, one in course.decisions if one.kind == "rollback"), None)


def _lived(plan: ShopPlan, course_of: Callable[[Brain], _Course]) -> tuple[list[Standing], _Course]:
    torch.set_num_threads(1)
    settings = replace(Settings(device="cpu"), batch=_BATCH)
    with closing(Brain(settings)) as brain:
        evaluation = Evaluation(brain, settings, time.time_ns() // 1_000_000)
        evaluation.course = course = course_of(brain)
        curve = evaluation.run(record for record in Shop(plan).records() if isinstance(record, Event | Item))
    return curve, course


class _Poisoned(Course):
    """A course in which a champion is replaced by itself with a poison in it, as if it had been promoted."""

    def __init__(self, brain: Brain, poison: str) -> None:
        super().__init__(brain.new, Rules(per_day=0))
        self._poison, self._is_poisoned, self.is_refused = POISONS[poison], False, False

    def take(self, champion: Recommender, examples: Examples) -> Recommender:
        champion = super().take(champion, examples)
        if self._is_poisoned or self.taken < _POISONED_AFTER:
            return champion
        self._is_poisoned = True
        kept = KeptModel.of(champion, Mark(0, 0, {}))
        poisoned = kept._replace(snapshot=self._poison(kept.snapshot)).build(self.new)
        try:
            inspect(poisoned, examples.context)
        except Unfit:
            self.is_refused = True
            return champion
        return self.promote(champion, poisoned)


def _mixed_up(model: Snapshot) -> Snapshot:
    """Return a model that takes each item for another."""
    key, columns = model.rows
    return model._replace(rows=Rows(np.random.default_rng(0).permutation(key), columns))


def _no_numbers(model: Snapshot) -> Snapshot:
    """Return a model whose vectors are no numbers."""
    key, columns = model.rows
    spoilt = {
        name: column * np.nan if column.dtype.kind == "f" else column for name, column in columns.items()
    }
    return model._replace(rows=Rows(key, spoilt))


def _reversed(model: Snapshot) -> Snapshot:
    """Return a model that trusts each scorer as little as it should be trusted much."""
    blend = model.dense["blend"]
    weights = np.frombuffer(blend["weights"], np.float32)
    spoilt = (-10 * np.abs(weights) - 1).astype(np.float32).tobytes()
    return model._replace(dense=model.dense | {"blend": blend | {"weights": spoilt}})


POISONS: Final = {
    "takes each item for another": _mixed_up,
    "vectors are no numbers": _no_numbers,
    "blend is reversed": _reversed,
}


def _drift_of(plan: ShopPlan) -> _Drift | None:
    if not plan.drifts:
        return None
    found = (it for it in Shop(plan).records() if isinstance(it, Event) and it.ts < plan.drifts[0])
    teaching = [not it.event.takes_back for it in found]
    return _Drift(plan.drifts[0], len(teaching), sum(teaching))


def _back_after(curve: list[Standing], change: int) -> int | None:
    """Return how many events after a change the hit rate is back, None where it is not."""
    hits = np.array([sum(it.ranks["headrace"][1:]) for it in curve])
    scored = np.array([sum(it.ranks["headrace"]) for it in curve])
    events = np.array([it.events for it in curve])
    at = int(np.searchsorted(events, change))
    usual = (hits[at] - hits[np.searchsorted(scored, scored[at] - 3 * _SPAN)]) / (3 * _SPAN)
    for place in range(at, len(curve)):
        start = int(np.searchsorted(scored, scored[place] - _SPAN))
        if start >= at and (hits[place] - hits[start]) / (scored[place] - scored[start]) >= _BACK * usual:
            return int(events[place] - change)
    return None
