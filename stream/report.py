"""The state of a worker in figures: what `headrace status`, the demo and the JSON report show."""

import msgspec
import psutil

from models.metrics import Quality
from stream.health import drift, is_ready, lags
from stream.versions import versions
from stream.views import Drift
from stream.worker import Worker

__all__ = ["Status", "status"]


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """Counts since the worker's start, and how it stands now.

    ``handled`` counts records of the source topics whose outputs the broker has confirmed, ``learnt`` the
    events that the learner has learnt from of those ``handed_on`` to it, both in this run of the worker;
    ``examples`` are all that the model was ever taught; ``lag`` is in records, those that ask for erasures
    among them. The model that is served is of ``version`` steps, and lacks nothing of the first ``complete``
    of them, which are fewer where a budget lets rows wait; it was taught the events below ``learnt_to``,
    offsets by source topic and partition.
    """

    ready: bool
    handled: int
    usable: int
    duplicates: int
    forgotten: int
    dead_letters: int
    handed_on: int
    learnt: int
    examples: int
    version: int
    complete: int
    learnt_to: dict[str, int]
    lag: int
    latency_ms: dict[str, float]
    quality: dict[str, Quality]
    drift: Drift
    rows: int
    users: int
    device: str
    resident_bytes: int
    versions: dict[str, str]


def status(worker: Worker) -> Status:
    """Return how the worker stands."""
    meters, recommender = worker.meters, worker.brain.recommender
    complete, learnt_to = _learnt(worker)
    return Status(
        ready=is_ready(worker),
        handled=meters.usable + meters.duplicates + meters.forgotten + meters.dead_letters,
        usable=meters.usable,
        duplicates=meters.duplicates,
        forgotten=meters.forgotten,
        dead_letters=meters.dead_letters,
        handed_on=meters.handed_on,
        learnt=meters.learnt,
        examples=recommender.learnt,
        version=recommender.version,
        complete=complete,
        learnt_to=learnt_to,
        lag=sum(lag for tp, lag in lags(worker).items() if tp.topic in worker.keyed),
        latency_ms=meters.latency_ms(),
        quality=recommender.quality,
        drift=Drift(*drift(worker).values()),
        rows=recommender.items,
        users=worker.store.row_estimate(),
        device=str(worker.brain.device),
        resident_bytes=psutil.Process().memory_info().rss,
        versions=versions(),
    )


def _learnt(worker: Worker) -> tuple[int, dict[str, int]]:
    """Return the version that is complete, and how far the sources are learnt, of the model served here."""
    if worker.learner.is_learning:
        return worker.brain.recommender.version, worker.learner.progress.learnt_to
    return worker.replica.newest.complete, worker.replica.newest.progress.get("learnt_to", {})
