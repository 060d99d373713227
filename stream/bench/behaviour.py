"""``headrace bench behaviour``: how near purchases that come late let the heads come to what can be known."""

import statistics
from pathlib import Path
from typing import Final

import click
import msgspec
import torch
from msgspec.structs import replace
from rich.console import Console
from rich.table import Table

from models.chance_scores import ChanceQuality
from producers.shop.plan import ShopPlan
from stream.bench.outcome import Bound, conclude, with_file, with_runs
from stream.bench.students import Hindsight, Late, Student, lessons_of, marks

__all__ = ["behaviour"]

# Eleven days of a shop that sells some 250 items a day.
PLAN: Final = ShopPlan(users=3_000, items=400, days=11.0, views_per_day=12_000.0)
# Of the area under the ROC curve: what late purchases may cost, and what waiting a day for them must.
_MAY_COST: Final = 0.005
_WAITING_COSTS: Final = 0.01
# From where to where what was foretold may be, beside what came.
_HOLDS: Final = (0.97, 1.03)
_STUDENTS: Final = {"live": Student, "hindsight": Hindsight, "a day late": Late}


class Term(msgspec.Struct, frozen=True):
    """The marks of all students in one shop."""

    live: ChanceQuality
    hindsight: ChanceQuality
    late: ChanceQuality


class Figures(msgspec.Struct, frozen=True):
    """What the bounds are about, the mean of all shops."""

    cost: float
    waiting_costs: float
    foretold_per_actual: float

    @classmethod
    def of(cls, terms: list[Term]) -> "Figures":
        """Return the figures of at least one shop."""
        return cls(
            cost=statistics.mean(it.hindsight.auc - it.live.auc for it in terms),
            waiting_costs=statistics.mean(it.live.auc - it.late.auc for it in terms),
            foretold_per_actual=statistics.mean(it.live.foretold_per_actual for it in terms),
        )

    @property
    def bounds(self) -> list[Bound]:
        """What they must keep to."""
        low, high = _HOLDS
        return [
            Bound("of the AUC is what late purchases cost", self.cost, "at most", _MAY_COST),
            Bound("of the AUC is what waiting a day costs", self.waiting_costs, "at least", _WAITING_COSTS),
            Bound("foretold for each that came", self.foretold_per_actual, "at least", low),
            Bound("foretold for each that came", self.foretold_per_actual, "at most", high),
        ]


def term(plan: ShopPlan) -> Term:
    """Return the marks of the students in a shop; on one thread, as more only wait for each other."""
    torch.set_num_threads(1)
    lessons = lessons_of(plan)
    return Term(*(marks(student(), lessons) for student in _STUDENTS.values()))


@click.command()
@with_runs(5, "Shops, each drawn anew.")
@with_file
def behaviour(runs: int, file: Path | None) -> None:
    """Teach the behaviour heads a made-up shop: as they are, with hindsight, and with labels a day late.

    Exits with 1 where late purchases cost more than 0.005 of the AUC, waiting a day costs less than 0.01, or
    what was foretold is not within 3 % of what came.
    """
    console, terms = Console(), list[Term]()
    for seed in range(runs):
        with console.status(f"shop {seed + 1} of {runs}"):
            terms.append(term(replace(PLAN, seed=seed)))
        console.print(_table(seed, terms[-1]))
    figures = Figures.of(terms)
    conclude("behaviour", {"figures": figures, "shops": terms}, file, bounds=figures.bounds)


def _table(seed: int, found: Term) -> Table:
    table = Table(f"shop {seed}", "AUC", "F1", "normalised entropy", "foretold/actual", "purchases of views")
    for name, of in zip(_STUDENTS, (found.live, found.hindsight, found.late), strict=True):
        figures = (of.auc, of.f1, of.normalised_entropy, of.foretold_per_actual)
        table.add_row(name, *(f"{it:.4f}" for it in figures), f"{of.positives:,} of {of.scored:,}")
    return table
