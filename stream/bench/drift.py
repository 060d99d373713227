"""``headrace bench drift``: whether alarms are right, retrains worth it, and verdicts to be relied on."""

import math
import os
import statistics
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, ProcessPoolExecutor
from functools import partial
from itertools import cycle
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final, TypeVar

import click
import msgspec
from msgspec.structs import replace
from rich.console import Console
from rich.table import Table

from models.challenger import ALPHA
from producers.shop.plan import ShopPlan
from stream.bench.lives import WITHIN, Lived, Noticed, live, live_poisoned, notice
from stream.bench.outcome import Bound, conclude, with_file, with_runs
from stream.bench.poisons import POISONS
from stream.bench.trials import BETTER_BY, promoted

__all__ = ["drift"]

# Five ordinary days, of two hundred and sixty thousand events; then tastes change, and a day follows.
CHANGED: Final = ShopPlan(days=6.0, drift_at=(5.0,))
POISONED: Final = ShopPlan(days=1.0)
# What retraining makes of a change takes five times as long, and is looked at in one shop of so many.
_A_LIFE_OF: Final = 10
# What may be: alarms of five ordinary days, drifts that are missed, events until one is noticed.
_ALARMS: Final = 0.1
_NOTICED: Final = 0.95
_ROLLED_BACK_WITHIN: Final = 5_000
# How often, of how many trials of equal models, and of one that is better by a fiftieth of a hit rate of 0.5.
_EQUAL_TRIALS, _BETTER_TRIALS = 1_000, 200
_PROMOTED: Final = 0.9

_Life = TypeVar("_Life", bound=Lived | Noticed | int | None)


class _Found(msgspec.Struct, frozen=True):
    """All figures; ``rolled_back_after`` is in events by seed, None where it was not within the shop."""

    noticed: list[Noticed]
    changed: list[Lived]
    plain: list[Lived]
    rolled_back_after: list[int | None]
    promoted: dict[str, float]

    @property
    def bounds(self) -> list[Bound]:
        found = [it.after for it in self.noticed if it.after is not None]
        alarms = statistics.mean(it.false_alarms for it in self.noticed)
        rolled_back = max(math.inf if it is None else it for it in self.rolled_back_after)
        equal, better = self.promoted["equal"], self.promoted["better"]
        return [
            Bound("false alarms in five ordinary days", alarms, "at most", _ALARMS),
            Bound("of the changes are noticed", len(found) / len(self.noticed), "at least", _NOTICED),
            Bound("events until then, median", statistics.median(found or [math.inf]), "at most", WITHIN),
            Bound("events with a poisoned champion, worst", rolled_back, "at most", _ROLLED_BACK_WITHIN),
            Bound("of equal challengers are promoted", equal, "at most", ALPHA),
            Bound("of those better by 2 % are promoted", better, "at least", _PROMOTED),
        ]


@click.command()
@with_runs(5, "Shops of each kind.")
@with_file
def drift(runs: int, file: Path | None) -> None:
    """Live through made-up shops: five ordinary days, then 30 % of the users change; and poisoned champions.

    Exits with 1 where there are more than 0.1 alarms in the ordinary days in the mean, less than 95 % of the
    changes are noticed or it takes more than 25,000 events at the median, a poisoned champion is not rolled
    back within 5,000 events, equal models are promoted more often than in 5 of 100 trials, or one that is
    better by 2 % in less than 90.
    """
    console = Console()
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        found = _lives(pool, runs, console)
    console.print(_table(found))
    conclude("drift", msgspec.structs.asdict(found), file, bounds=found.bounds)


def _lives(pool: Executor, runs: int, console: Console) -> _Found:
    """Live through all shops; without retraining where a model was replaced: elsewhere it changes nothing."""

    def each(name: str, life: Callable[..., _Life], *arguments: Iterable[Any]) -> list[_Life]:
        found: list[_Life] = []
        for one in pool.map(life, *arguments):
            found.append(one)
            console.print(f"{name} shop {len(found)}: {_told(one)}", highlight=False)
        return found

    poisons = [poison for poison, _ in zip(cycle(POISONS), range(runs), strict=False)]
    rolled_back = each("poisoned", live_poisoned, _seeded(POISONED, runs), poisons)
    noticed = each("changed", notice, _seeded(CHANGED, runs))
    changed = each("retrained", live, _seeded(CHANGED, max(runs // _A_LIFE_OF, 1)))
    replaced = [replace(CHANGED, seed=one.seed) for one in changed if one.was_replaced]
    lived = {one.seed: one for one in each("plain", partial(live, retrains=False), replaced)}
    plain = [lived.get(one.seed, one) for one in changed]
    shares = {"equal": promoted(_EQUAL_TRIALS, 0.0), "better": promoted(_BETTER_TRIALS, BETTER_BY)}
    return _Found(noticed, changed, plain, rolled_back, shares)


def _told(one: Lived | Noticed | int | None) -> str:
    if isinstance(one, Noticed):
        return f"{one.false_alarms} false alarms, noticed after {one.after}"
    return f"hit rate {one.hit_rate}" if isinstance(one, Lived) else f"rolled back after {one}"


def _seeded(plan: ShopPlan, runs: int) -> list[ShopPlan]:
    return [replace(plan, seed=seed) for seed in range(runs)]


def _table(found: _Found) -> Table:
    table = Table("shop retrained", "hit rate is back after", "without retraining", "decisions")
    for one, other in zip(found.changed, found.plain, strict=True):
        figures = (f"{it:,}" if it is not None else "not" for it in (one.back_after, other.back_after))
        table.add_row(f"{one.seed}", *figures, "\n".join(one.decisions))
    return table
