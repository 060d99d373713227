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
from stream.bench.lives import Lived, live, live_poisoned
from stream.bench.outcome import Bound, conclude, with_file, with_runs
from stream.bench.poisons import POISONS
from stream.bench.trials import BETTER_BY, promoted

__all__ = ["drift"]

# Five ordinary days, of two hundred and sixty thousand events; then tastes change, and a day follows.
CHANGED: Final = ShopPlan(days=6.0, drift_at=(5.0,))
POISONED: Final = ShopPlan(days=1.0)
# What may be: alarms of five ordinary days, drifts that are missed, events until one is noticed.
_ALARMS: Final = 0.1
_NOTICED: Final = 0.95
_WITHIN: Final = 25_000
_ROLLED_BACK_WITHIN: Final = 5_000
# How often, of how many trials of equal models, and of one that is better by a fiftieth of a hit rate of 0.5.
_EQUAL_TRIALS, _BETTER_TRIALS = 1_000, 200
_PROMOTED: Final = 0.9

_Life = TypeVar("_Life", bound=Lived | int | None)


class _Found(msgspec.Struct, frozen=True):
    """All figures; ``rolled_back_after`` is in events by seed, None where it was not within the shop."""

    changed: list[Lived]
    plain: list[Lived]
    rolled_back_after: list[int | None]
    promoted: dict[str, float]

    @property
    def bounds(self) -> list[Bound]:
        found = [it.noticed_after for it in self.changed if it.noticed_after is not None]
        alarms = statistics.mean(it.false_alarms for it in self.changed)
        rolled_back = max(math.inf if it is None else it for it in self.rolled_back_after)
        equal, better = self.promoted["equal"], self.promoted["better"]
        return [
            Bound("false alarms in five ordinary days", alarms, "at most", _ALARMS),
            Bound("of the changes are noticed", len(found) / len(self.changed), "at least", _NOTICED),
            Bound("events until then, median", statistics.median(found or [math.inf]), "at most", _WITHIN),
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
    changed = each("changed", live, _seeded(CHANGED, runs))
    replaced = [seed for seed, one in enumerate(changed) if one.was_replaced]
    lived = each("plain", partial(live, retrains=False), [replace(CHANGED, seed=seed) for seed in replaced])
    plain = {**dict(enumerate(changed)), **dict(zip(replaced, lived, strict=True))}
    shares = {"equal": promoted(_EQUAL_TRIALS, 0.0), "better": promoted(_BETTER_TRIALS, BETTER_BY)}
    return _Found(changed, list(plain.values()), rolled_back, shares)


def _told(one: Lived | int | None) -> str:
    if not isinstance(one, Lived):
        return f"rolled back after {one}"
    told = f"{one.false_alarms} false alarms, hit rate {one.hit_rate}"
    return f"{told}, noticed after {one.noticed_after}, back after {one.back_after}"


def _seeded(plan: ShopPlan, runs: int) -> list[ShopPlan]:
    return [replace(plan, seed=seed) for seed in range(runs)]


def _table(found: _Found) -> Table:
    table = Table(
        "shop", "rolled back after", "noticed after", "back after", "without retraining", "decisions"
    )
    told = zip(found.rolled_back_after, found.changed, found.plain, strict=True)
    for rolled_back, one, other in told:
        figures = (rolled_back, one.noticed_after, one.back_after, other.back_after)
        table.add_row(
            f"{one.seed}",
            *(f"{it:,}" if it is not None else "not" for it in figures),
            "\n".join(one.decisions),
        )
    return table
