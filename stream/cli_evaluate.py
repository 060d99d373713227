"""``headrace evaluate``: how well a recorded log is foreseen, without Kafka."""

import time
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any, Final, NamedTuple

import click
import msgspec

from models.baselines import BASELINES
from models.course import Course
from models.errors import ModelError
from models.rules import Rules
from models.sources import SOURCES
from producers.bar import ProgressBar
from producers.errors import ProducerError
from producers.logs import first_events, open_log, read_log
from producers.reading import Reading
from producers.report import Progress
from stream.brain import Brain
from stream.curves import draw_curves
from stream.errors import StreamError
from stream.evaluation import Evaluation, Standing
from stream.evaluation_report import EvaluationReport
from stream.evaluation_view import show_report
from stream.settings import Settings

__all__ = ["evaluate"]

_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
_NEW_FILE: Final = click.Path(dir_okay=False, writable=True, path_type=Path)
# What a worker meets at some thousand events a second.
_BATCH: Final = 64


class _Choices(NamedTuple):
    settings: Settings
    items: Path | None
    limit: int | None
    baselines: str
    folds: int | None
    without: tuple[str, ...]
    retrain: bool


class _Evaluated(NamedTuple):
    report: EvaluationReport
    curve: list[Standing]


def _in_a_folder(_: click.Context, option: click.Parameter, file: Path | None) -> Path | None:
    """Refuse before the work what could not be written after it."""
    if file is not None and not file.absolute().parent.is_dir():
        raise click.BadParameter(f"there is no folder {str(file.parent)!r}")
    if file is not None and option.name == "plot" and file.suffix != ".png":
        raise click.BadParameter(f"{str(file)!r} must end in .png")
    return file


@click.command()
@click.argument("logs", metavar="LOG...", nargs=-1, required=True, type=_FILE)
@click.option("--items", type=_FILE, help="Items that are known from the start: CSV or JSON Lines.")
@click.option("--limit", type=click.IntRange(min=1), help="Stop after so many events of each log.")
@click.option(
    "--batch",
    type=click.IntRange(min=1, max=2000),
    default=_BATCH,
    show_default=True,
    help="Events of one step: smaller ones learn fresher, larger ones take less time.",
)
@click.option(
    "--baselines",
    type=click.Choice([*BASELINES]),
    default="usual",
    show_default=True,
    help="Fast are pop and rep alone; usual are sr, vmis and biased_mf also; all has the slow ones too.",
)
@click.option(
    "--folds",
    type=click.IntRange(min=2),
    help="Figures of so many consecutive slices of each log, their mean and spread.",
)
@click.option(
    "--without",
    multiple=True,
    type=click.Choice(SOURCES),
    help="Leave a scorer out.",
)
@click.option("--retrain", is_flag=True, help="Retrain as a worker does, and tell what was decided.")
@click.option("--json", type=_NEW_FILE, callback=_in_a_folder, help="Write the report to a file.")
@click.option("--plot", type=_NEW_FILE, callback=_in_a_folder, help="Draw the hit rates to a PNG file.")
def evaluate(logs: tuple[Path, ...], batch: int, **given: Any) -> None:
    """Answer, test and learn the events of each LOG, and say how well they were foreseen.

    Every event is tested before it is learnt from, by the steps of a worker with the same settings, next to
    the baselines: what is popular (pop), the user's own recent items filled up with that (rep); those that
    learn event by event: sequential rules (sr), nearest sessions (vmis), River's and another factorisation
    (biased_mf, isgd); and those fitted to the log so far, 50 times at most: alternating least squares (als)
    and self-attention (sasrec).
    """
    named = _named(logs)
    if not {*SOURCES}.difference(given["without"]):
        raise click.UsageError("--without names every scorer: leave at least one to be evaluated")
    try:
        settings = msgspec.structs.replace(Settings.read(), batch=batch)
        names = ("items", "limit", "baselines", "folds", "without", "retrain")
        choices = _Choices(settings, **{name: given[name] for name in names})
        found = {name: _evaluate(name, log, choices) for name, log in named.items()}
        _write(found, given["json"], given["plot"])
    except (ModelError, ProducerError, StreamError, OSError) as error:
        raise click.ClickException(str(error)) from error


def _named(logs: Iterable[Path]) -> dict[str, Path]:
    """Return each log by the name of its file up to the first dot."""
    named: dict[str, Path] = {}
    for log in logs:
        name = log.name.partition(".")[0]
        if name in named:
            raise click.UsageError(f"{named[name]} and {log} would both be reported as {name!r}: rename one")
        named[name] = log
    return named


def _evaluate(name: str, log: Path, choices: _Choices) -> _Evaluated:
    reading = Reading()
    records = first_events(read_log(open_log(log, items=choices.items), reading), choices.limit)
    rivals = {rival: make() for rival, make in BASELINES[choices.baselines].items()}
    with closing(Brain(choices.settings, choices.without)) as brain, ProgressBar(name) as bar:

        def show(standing: Standing) -> None:
            bar.show(Progress(standing.events, _fraction(standing.events, reading, choices.limit)))

        start = time.monotonic()
        evaluation = Evaluation(brain, choices.settings, time.time_ns() // 1_000_000, rivals)
        if choices.retrain:
            settings = choices.settings
            rules = Rules(per_day=settings.retrain_per_day, every_hours=settings.retrain_hours)
            evaluation.course = Course(brain.new, rules, settings.retrain_examples)
        curve = evaluation.run(records, show)
        seconds = time.monotonic() - start
        report = EvaluationReport.of(evaluation, curve, reading.bad, seconds, folds=choices.folds or 0)
    show_report(name, report)
    for row in reading.first_bad:
        click.echo(f"{row.file}, line {row.line}: {row.reason}", err=True)
    if evaluation.first_dead_letter:
        click.echo(f"the first dead letter: {evaluation.first_dead_letter}", err=True)
    return _Evaluated(report, curve)


def _fraction(events: int, reading: Reading, limit: int | None) -> float:
    return max(reading.fraction, events / limit if limit else 0.0)


def _write(found: dict[str, _Evaluated], json: Path | None, plot: Path | None) -> None:
    reports = {name: evaluated.report for name, evaluated in found.items()}
    if json is not None:
        whole = reports if len(reports) > 1 else next(iter(reports.values()))
        json.write_bytes(msgspec.json.format(msgspec.json.encode(whole)) + b"\n")
    if plot is not None:
        draw_curves({name: evaluated.curve for name, evaluated in found.items()}, plot)
