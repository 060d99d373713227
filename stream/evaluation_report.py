"""What an evaluation says of a log: the contract's report, without what needs Kafka."""

from collections import Counter
from collections.abc import Iterable

import msgspec

from models.chance_scores import ChanceQuality
from models.events import Decision
from models.folds import Folds, folds_of
from models.intervals import Range
from models.metrics import Quality
from stream.evaluation import Evaluation, Standing
from stream.versions import versions
from stream.views import Drift

__all__ = ["EvaluationReport"]


class EvaluationReport(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of one log.

    ``events`` are the records that were read, ``bad_rows`` the rows of the log that are none. There is no
    latency where nothing is published. ``intervals`` are those that hold the product's figures with 95 %
    confidence, ``segments`` its figures by kind of event. ``folds`` are each model's by slices of the log,
    where these were asked for. ``decisions`` are those of retraining, each at the time of its events, where
    it was asked for. ``behaviour`` says how good what was foretold of views is, of ``cart`` and of
    ``purchase`` where there were any; ``open_views`` are those of which more may come.
    """

    events: int
    usable: int
    duplicates: int
    dead_letters: int
    bad_rows: int
    seconds: float
    events_per_second: float
    recommendations: int
    latency_ms: None = None
    quality: dict[str, Quality]
    intervals: dict[str, Range]
    segments: dict[str, Quality]
    folds: dict[str, Folds]
    behaviour: dict[str, ChanceQuality]
    open_views: int
    drift: Drift
    decisions: list[Decision]
    rows: int
    device: str
    versions: dict[str, str]

    @classmethod
    def of(
        cls, evaluation: Evaluation, curve: list[Standing], bad_rows: int, seconds: float, *, folds: int = 0
    ) -> "EvaluationReport":
        """Return the report of an evaluation that took ``seconds``, with ``folds`` slices, 0 for none.

        Raises
        ------
        TooFewBatches
            If a slice would be empty.
        """
        brain, sure, last = evaluation.brain, evaluation.intervals, curve[-1]
        decisions = [decision for _, decision in evaluation.course.decisions] if evaluation.course else []
        return cls(
            events=last.events,
            usable=last.usable,
            duplicates=last.duplicates,
            dead_letters=last.dead_letters,
            bad_rows=bad_rows,
            seconds=round(seconds, 3),
            events_per_second=round(last.events / seconds, 1),
            recommendations=last.usable,
            quality=last.quality,
            intervals={"hit_rate_20": sure.hit_rate, "mrr_20": sure.reciprocal_rank},
            segments=evaluation.segments.quality,
            folds=folds_of([standing.ranks for standing in curve], folds) if folds else {},
            behaviour=evaluation.verdicts.quality,
            open_views=evaluation.verdicts.open,
            drift=_drift(decisions),
            decisions=decisions,
            rows=brain.recommender.items,
            device=str(brain.device),
            versions=versions(),
        )


def _drift(decisions: Iterable[Decision]) -> Drift:
    counts = Counter(decision.kind for decision in decisions)
    kinds = ("drift-alarm", "retrain-started", "promotion", "rollback")
    return Drift(*(counts[kind] for kind in kinds))
