"""How a worker stands: whether it is ready, and how far it is behind."""

import math
from typing import Any, Final

from faust.types import TP

from stream.clock import now_ms
from stream.transport import consumer
from stream.worker import Worker

__all__ = ["drift", "is_ready", "lags", "measure"]

# Kinds of decisions, by the names of their counts.
_COUNTED: Final = {
    "drift_alarms": "drift-alarm",
    "retrains": "retrain-started",
    "promotions": "promotion",
    "rollbacks": "rollback",
}


def is_ready(worker: Worker) -> bool:
    """Return whether the rebalance is done, the state and the model are in place, and records flow."""
    app: Any = worker.app
    flows = not app.rebalancing and app.flow_control.is_active() and app.consumer.flow_active
    return bool(flows and worker.has_model)


def lags(worker: Worker) -> dict[TP, int]:
    """Return how many records of each assigned partition are not handled yet, as the last fetch knows."""
    reader = consumer(worker.app)
    return {tp: (reader.backlog(tp) or 0) + reader.ledger.unhandled(tp) for tp in reader.assignment()}


def drift(worker: Worker) -> dict[str, int]:
    """Return how often whoever learns had to decide something, by the names of the report."""
    learner, replica = worker.learner, worker.replica
    oversight = (
        learner.progress.oversight if learner.is_learning else replica.newest.progress.get("oversight")
    )
    counts = oversight["retraining"]["counts"] if oversight else {}
    return {name: counts.get(kind, 0) for name, kind in _COUNTED.items()}


def _age(at: int, now: int) -> float:
    """Return how long ago something was in seconds, infinity for what never was (``at`` is 0)."""
    return (now - at) / 1000 if at else math.inf


def measure(worker: Worker) -> None:
    """Bring the gauges up to date; called when somebody looks."""
    recommender, meters = worker.brain.recommender, worker.meters
    meters.show_quality(recommender.quality)
    meters.tallies.show(drift(worker))
    meters.show_drift(recommender.monitor.levels, recommender.refused)
    meters.rows.set(recommender.items)
    meters.users.set(worker.store.row_estimate())
    now, replica = now_ms(), worker.replica
    meters.model_age.set(0 if worker.learner.is_learning else _age(replica.newest.at, now))
    meters.checkpoint_age.set(_age(replica.checkpointer.written_at, now))
    meters.checkpoint_seconds.set(replica.checkpointer.took)
    meters.consumer_lag.clear()  # of partitions that went to another worker
    for tp, records in lags(worker).items():
        meters.consumer_lag.labels(tp.topic, str(tp.partition)).set(records)
