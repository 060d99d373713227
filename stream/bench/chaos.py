"""``headrace bench chaos``: faults of every kind, and the proof that nothing is lost or counted twice."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from stream.bench.outcome import Bound, conclude, quiet_kafka, with_file
from stream.broker import Broker
from stream.chaos.matrix import MATRIX
from stream.chaos.report import Row, table_of
from stream.chaos.storm import Outcome, Storm

__all__ = ["chaos"]

# More of them would let what they have in common, one system and one judgement, hide a cause.
_FAULTS_A_STORM: Final = 10
_STORMS_A_SEED: Final = 1_000


@click.command()
@click.option("--fault", "names", type=click.Choice(list(MATRIX)), multiple=True, help="Only this kind.")
@click.option("--runs", type=click.IntRange(min=1), help="At most so many faults of each kind.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@with_file
def chaos(names: tuple[str, ...], runs: int | None, seed: int, file: Path | None) -> None:
    """Strike a Kafka and its workers under load, again and again, and judge what is left.

    Exits with 1 where an event is lost or counted twice, or a profile is not the fold of its events.
    """
    quiet_kafka()
    console = Console()
    with _progress() as progress:
        rows = [_row(name, runs or MATRIX[name].runs, seed, progress) for name in names or MATRIX]
    console.print(table_of(rows))
    for note in (note for row in rows for note in row.notes):
        console.print(note, highlight=False)
    broken = [row.fault for row in rows if not row.holds]
    bound = Bound("kinds of faults with something lost, doubled or unequal", len(broken), "at most", 0)
    conclude("chaos", {"seed": seed, "faults": rows}, file, bounds=[bound])


def _row(name: str, runs: int, seed: int, progress: Progress) -> Row:
    case = MATRIX[name]
    count = min(runs, case.runs)
    task = progress.add_task(name, total=count)
    outcomes = []
    for number, done in enumerate(range(0, count, _FAULTS_A_STORM)):
        storm = Storm(case, seed * _STORMS_A_SEED + number)
        faults = min(_FAULTS_A_STORM, count - done)
        outcomes.append(_outcome(storm, faults, lambda: progress.advance(task)))
    return Row.of(name, case, outcomes)


def _outcome(storm: Storm, faults: int, on_fault: Callable[[], None]) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="headrace-chaos-") as name:
        folder = Path(name)
        with Broker(folder / "kafka") as broker:
            return storm.run(broker, folder / "storm", faults, on_fault)


def _progress() -> Progress:
    """Return the bars, one a kind of fault; nothing is drawn where nobody watches."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
    )
