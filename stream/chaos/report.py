"""What came of the storms of one kind: a row of the table, and of the figures in JSON."""

import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final, Self

import msgspec
from rich.table import Table

from stream.chaos.matrix import Case
from stream.chaos.storm import Outcome
from stream.chaos.verdict import Verdict

__all__ = ["Row", "table_of"]


_HEADINGS: Final = (
    *("fault", "runs", "events", "lost", "doubled", "equal"),
    *("recovery s, median", "max", "stop s, max", "holds"),
)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """The sums over some storms with the same fault.

    Attributes
    ----------
    runs
        Faults.
    holds
        Whether all was as it must be.
    unequal, unexpected, missing_dead_letters, learnt, missing_lessons, unequal_rows, erased, failed_erasures
        As `Verdict` has them; ``unexpected`` are answers and lessons together.
    differing
        Answers whose repeats are not the same to the byte; None where a lost store excuses it.
    recovery_seconds, recovery_seconds_max
        Median and longest; 0 where nothing recovered.
    stop_seconds_max
        The longest that a worker took to stop, under load or at the end of a storm.
    notes
        What else went wrong, and the last words of workers that ended by themselves.
    """

    fault: str
    says: str
    runs: int
    holds: bool
    events: int
    lost: int
    doubled: int
    unequal: int
    unexpected: int
    missing_dead_letters: int
    learnt: int
    missing_lessons: int
    unequal_rows: int
    erased: int
    failed_erasures: int
    repeated: int
    differing: int | None
    recovery_seconds: float
    recovery_seconds_max: float
    stop_seconds_max: float
    notes: list[str]

    @classmethod
    def of(cls, name: str, case: Case, outcomes: Sequence[Outcome]) -> Self:
        """Return the row for the storms of a case; where each store was kept, repeats must not differ."""
        counts = _counts(outcome.verdict for outcome in outcomes)
        differing, recoveries = counts["differing"], [s for one in outcomes for s in one.recoveries]
        return cls(
            fault=name,
            says=case.says,
            runs=sum(outcome.faults for outcome in outcomes),
            holds=all(outcome.holds for outcome in outcomes) and not (case.keeps_store and differing),
            **{**counts, "differing": differing if case.keeps_store else None},
            recovery_seconds=round(statistics.median(recoveries or [0.0]), 2),
            recovery_seconds_max=round(max(recoveries, default=0.0), 2),
            stop_seconds_max=round(max((s for one in outcomes for s in one.stops), default=0.0), 2),
            notes=[note for outcome in outcomes for note in (*outcome.failures, *outcome.casualties)],
        )


def _counts(verdicts: Iterable[Verdict]) -> dict[str, Any]:
    """Return the sums of what the verdicts count, by the names of a row."""
    sums: Counter[str] = Counter()
    for verdict in verdicts:
        sums.update(msgspec.structs.asdict(verdict))
    sums["unexpected"] = sums.pop("unexpected_answers", 0) + sums.pop("unexpected_lessons", 0)
    sums["repeated"], sums["differing"] = sums.pop("repeated_answers", 0), sums.pop("differing_answers", 0)
    del sums["refused"]
    return dict(sums)


def table_of(rows: Iterable[Row]) -> Table:
    """Return the table for a terminal."""
    table = Table(*_HEADINGS)
    for row in rows:
        table.add_row(
            row.fault,
            f"{row.runs}",
            f"{row.events:,}",
            f"{row.lost}",
            f"{row.doubled}",
            _equal(row),
            f"{row.recovery_seconds:.1f}",
            f"{row.recovery_seconds_max:.1f}",
            f"{row.stop_seconds_max:.1f}",
            "yes" if row.holds else "NO",
        )
    return table


def _equal(row: Row) -> str:
    """Say whether profiles, model, answers and dead letters are what the pure functions say."""
    wrong = {
        "users": row.unequal,
        "rows": row.unequal_rows,
        "lessons": row.missing_lessons,
        "erasures": row.failed_erasures,
        "answers and lessons": row.unexpected,
        "dead letters": row.missing_dead_letters,
    }
    return ", ".join(f"{count} {name} not" for name, count in wrong.items() if count) or "yes"
