"""The state of a worker in figures: what `headrace status`, the demo and the JSON report show."""

import msgspec
import psutil

from models.metrics import Quality
from stream.health import is_ready, lags
from stream.versions import versions
from stream.worker import Worker

__all__ = ["Status", "status"]


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """Counts since the worker's start, and how it stands now.

    ``handled`` counts records of the source topics whose outputs the broker has confirmed, ``learnt`` the
    events that the learner has learnt from of those ``handed_on`` to it, both in this run of the worker;
    ``examples`` are all that the model was ever taught; ``lag`` is in records, those that ask for erasures
    among them.
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
    lag: int
    latency_ms: dict[str, float]
    quality: dict[str, Quality]
    rows: int
    users: int
    device: str
    resident_bytes: int
    versions: dict[str, str]


def status(worker: Worker) -> Status:
    """Return how the worker stands."""
    meters, recommender = worker.meters, worker.brain.recommender
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
        lag=sum(lag for tp, lag in lags(worker).items() if tp.topic in worker.keyed),
        latency_ms=meters.latency_ms(),
        quality=recommender.quality,
        rows=recommender.items,
        users=worker.store.row_estimate(),
        device=str(worker.brain.device),
        resident_bytes=psutil.Process().memory_info().rss,
        versions=versions(),
    )
