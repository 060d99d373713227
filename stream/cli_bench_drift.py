"""``headrace bench drift``: whether alarms are right, retrains worth it, and verdicts to be relied on."""

import os
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Final, NamedTuple

import click
import msgspec
import numpy as np
import torch
from msgspec.structs import replace
from rich.console import Console
from rich.table import Table

from models.challenger import ALPHA, PATIENCE, WORTH
from models.course import Course
from models.events import Event, Item
from models.judgement import Judgement
from models.retraining import Rules
from producers.shop.plan import ShopPlan
from producers.shop.shop import Shop
from stream.brain import Brain
from stream.evaluation import Evaluation, Standing
from stream.settings import Settings
from stream.versions import versions

__all__ = ["drift"]

# Five ordinary days, of two hundred and sixty thousand events; and a day more, in which tastes change.
CALM: Final = ShopPlan(days=5.0)
CHANGED: Final = ShopPlan(days=6.0, drift_at=(4.8,))
_BATCH: Final = 64
# What may be: alarms of a calm shop, drifts that are missed, events until one is noticed.
_ALARMS: Final = 0.1
_NOTICED: Final = 0.95
_NOTICED_WITHIN: Final = 25_000
# How often, of how many trials of equal models, and of one that is better by a fiftieth of a hit rate of 0.5.
_EQUAL_TRIALS, _BETTER_TRIALS = 1_000, 200
_PROMOTED: Final = 0.9
# In a tenth of the events one of two models hits and the other does not: so it is between a model and itself,
# trained anew, on retailrocket and on the made-up shop.
_DISCORD: Final = 0.1
_BETTER_BY: Final = 0.01
# The hit rate is back once 5,000 scored events in a row come to so much of what it was.
_BACK: Final = 0.95
_SPAN: Final = 5_000


class Lived(msgspec.Struct, frozen=True):
    """What happened in a shop; events are counted from its drift, None for what did not happen."""

    seed: int
    events: int
    hit_rate: float
    decisions: list[str]
    false_alarms: int
    noticed_after: int | None = None
    back_after: int | None = None


class _Drift(NamedTuple):
    """When tastes change, and how many events come before, and examples of them."""

    ts: int
    events: int
    examples: int


def live(plan: ShopPlan, *, retrains: bool = True) -> Lived:
    """Live through a shop, with or without retraining; on one thread, as others run beside it."""
    torch.set_num_threads(1)
    settings = replace(Settings(device="cpu"), batch=_BATCH)
    with closing(Brain(settings)) as brain:
        evaluation = Evaluation(brain, settings, time.time_ns() // 1_000_000)
        evaluation.course = course = Course(brain.new, Rules() if retrains else Rules(per_day=0))
        curve = evaluation.run(record for record in Shop(plan).records() if isinstance(record, Event | Item))
    alarms = [(at, one.ts) for at, one in course.decisions if one.kind == "drift-alarm"]
    change = _drift_of(plan)
    true = [at for at, ts in alarms if change and ts >= change.ts]
    return Lived(
        seed=plan.seed,
        events=curve[-1].events,
        hit_rate=curve[-1].quality["headrace"].hit_rate_20,
        decisions=[f"{at:,} {one.kind}: {one.reason}" for at, one in course.decisions],
        false_alarms=len(alarms) - len(true),
        noticed_after=true[0] - change.examples if change and true else None,
        back_after=_back_after(curve, change.events) if change else None,
    )


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


def promoted(trials: int, better_by: float) -> float:
    """Return the share of trials in which a challenger that is better by so much is promoted."""
    return sum(_is_promoted(np.random.default_rng(seed), better_by) for seed in range(trials)) / trials


def _is_promoted(rng: np.random.Generator, better_by: float) -> bool:
    judgement = Judgement(ALPHA, np.array([0.0, WORTH]))
    while judgement.count < PATIENCE:
        drawn = rng.random(1_000)
        wins, losses = drawn < (_DISCORD + better_by) / 2, drawn > 1 - (_DISCORD - better_by) / 2
        judgement.update_many(wins.astype(np.float32) - losses)
        if judgement.interval.low >= WORTH or judgement.interval.high <= 0:
            break
    return judgement.interval.low >= WORTH


@click.command()
@click.option("--runs", type=click.IntRange(min=1), default=5, show_default=True, help="Shops of each kind.")
@click.option("--json", "file", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures.")
def drift(runs: int, file: Path | None) -> None:
    """Live through made-up shops, calm ones and such in which 30 % of the users change their tastes at once.

    Exits with 1 where a calm shop has more than 0.1 alarms in the mean, less than 95 % of the changes are
    noticed or it takes more than 25,000 events at the median, equal models are promoted more often than in 5
    of 100 trials, or one that is better by 2 % in less than 90.
    """
    console = Console()
    calm, changed, plain = _lives(runs, console)
    shares = {"equal": promoted(_EQUAL_TRIALS, 0.0), "better": promoted(_BETTER_TRIALS, _BETTER_BY)}
    console.print(_table(changed, plain))
    alarms = statistics.mean(it.false_alarms for it in (*calm, *changed))
    noticed = [it.noticed_after for it in changed if it.noticed_after is not None]
    within = statistics.median(noticed) if noticed else float("inf")
    console.print(
        f"false alarms {alarms:.2f} a shop; {len(noticed)} of {runs} changes noticed, at the median after "
        f"{within:,.0f} events; promoted: {shares['equal']:.1%} of equals, "
        f"{shares['better']:.1%} of the better",
        highlight=False,
    )
    if file is not None:
        written = {"name": "drift", "calm": calm, "changed": changed, "plain": plain, "promoted": shares}
        file.write_bytes(msgspec.json.format(msgspec.json.encode(written | {"versions": versions()})))
    holds = alarms <= _ALARMS and len(noticed) >= _NOTICED * runs and within <= _NOTICED_WITHIN
    if not (holds and shares["equal"] <= ALPHA and shares["better"] >= _PROMOTED):
        raise click.ClickException("drift missed a bound")


def _lives(runs: int, console: Console) -> Iterator[list[Lived]]:
    """Yield what happened in calm shops, in those that change, and in these without retraining."""
    context = get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count(), context) as pool:
        for name, plan, retrains in (
            ("calm", CALM, True),
            ("changed", CHANGED, True),
            ("plain", CHANGED, False),
        ):
            lives = pool.map(
                partial(live, retrains=retrains), [replace(plan, seed=seed) for seed in range(runs)]
            )
            found = []
            with console.status(f"{name} shops") as status:
                for one in lives:
                    found.append(one)
                    status.update(f"{name} shops: {len(found)} of {runs}")
            yield found


def _table(changed: list[Lived], plain: list[Lived]) -> Table:
    table = Table("shop", "noticed after", "back after", "without retraining", "decisions")
    for one, other in zip(changed, plain, strict=True):
        figures = (one.noticed_after, one.back_after, other.back_after)
        table.add_row(
            f"{one.seed}",
            *(f"{it:,}" if it is not None else "not" for it in figures),
            "\n".join(one.decisions),
        )
    return table
