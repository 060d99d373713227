"""How a worker stands: whether it is ready, and how far it is behind."""

import math
from typing import Any

from faust.types import TP

from stream.clock import now_ms
from stream.transport import consumer
from stream.worker import Worker

__all__ = ["is_ready", "lags", "measure"]


def is_ready(worker: Worker) -> bool:
    """Return whether the rebalance is done, the state and the model are in place, and records flow."""
    app: Any = worker.app
    flows = not app.rebalancing and app.flow_control.is_active() and app.consumer.flow_active
    return bool(flows and worker.has_model)


def lags(worker: Worker) -> dict[TP, int]:
    """Return how many records of each assigned partition are not handled yet, as the last fetch knows."""
    reader = consumer(worker.app)
    return {tp: (reader.backlog(tp) or 0) + reader.ledger.unhandled(tp) for tp in reader.assignment()}


def _age(at: int, now: int) -> float:
    """Return how long ago something was in seconds, infinity for what never was (``at`` is 0)."""
    return (now - at) / 1000 if at else math.inf


def measure(worker: Worker) -> None:
    """Bring the gauges up to date; called when somebody looks."""
    recommender, meters = worker.brain.recommender, worker.meters
    meters.show_quality(recommender.quality)
    meters.rows.set(recommender.items)
    meters.users.set(worker.store.row_estimate())
    now, replica = now_ms(), worker.replica
    meters.model_age.set(0 if worker.learner.is_learning else _age(replica.newest.at, now))
    meters.checkpoint_age.set(_age(replica.checkpointer.written_at, now))
    meters.checkpoint_seconds.set(replica.checkpointer.took)
    meters.consumer_lag.clear()  # of partitions that went to another worker
    for tp, records in lags(worker).items():
        meters.consumer_lag.labels(tp.topic, str(tp.partition)).set(records)
