"""The worker's figures: Prometheus metrics, and the latencies of late as they were."""

from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt
from prometheus_client import CollectorRegistry, Gauge
from prometheus_client import Counter as Metric

from models.batch import Longs
from models.metrics import Quality
from stream.arrivals import Released
from stream.latency import Latency
from stream.tallies import Tallies

__all__ = ["Meters"]


class Meters:
    """Every metric of a worker, in a registry of its own, and the same counts as plain numbers.

    Attributes
    ----------
    usable, duplicates, forgotten, dead_letters
        Records of the source topics whose outputs the broker has confirmed, by what became of them. Those
        that are forgotten are events of users who were erased after them.
    handed_on
        Events handed on to the learner.
    learnt
        Events the learner has learnt from.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.usable = self.duplicates = self.forgotten = self.dead_letters = 0
        self.handed_on = self.learnt = 0
        self._events = self._counter("events", "Events by outcome and type.", "outcome", "event")
        self._recommendations = self._counter("recommendations", "Recommendations the broker has confirmed.")
        self._dead_letters = self._counter("dead_letters", "Records that could not be used.", "topic")
        self._erasures = self._counter("erasures", "Users that were erased.")
        self._batches = self._counter("learner_batches", "Batches the learner has learnt from.")
        self._examples = self._counter("learner_examples", "Examples the learner has learnt from.")
        self._loss = self._gauge("loss", "Mean prequential loss of the latest batch, in nats.")
        self._learner_lag = self._gauge("learner_lag_seconds", "Age of the examples just learnt.")
        self._hit_rate = self._gauge("hit_rate_20", "Prequential hit rate at 20 since the start.", "model")
        self._mrr = self._gauge("mrr_20", "Prequential mean reciprocal rank at 20 since the start.", "model")
        self.rows = self._gauge("table_rows", "Items that have a row in the embedding table.")
        self.users = self._gauge("profile_rows", "Users that have a profile, estimated.")
        self._open_state()
        self.consumer_lag = self._gauge("consumer_lag", "Records not handled yet.", "topic", "partition")
        self._latency = Latency(
            "headrace_event_to_recommendation_seconds",
            "From an event's record to the broker's confirmation of its recommendation.",
        )
        self.registry.register(self._latency)

    def _open_state(self) -> None:
        self.tallies = Tallies()
        self.registry.register(self.tallies)
        self._level = self._gauge("drift_level", "The mean of late of what is watched, by signal.", "signal")
        self._refused = self._gauge("refused_rows", "Rows of steps whose gradient was no number.")
        self.model_age = self._gauge(
            "model_age_seconds",
            "Age of the newest publication of the model that is served; 0 where it is learnt.",
        )
        self.checkpoint_age = self._gauge(
            "checkpoint_age_seconds", "Age of the newest checkpoint of the model."
        )
        self.checkpoint_seconds = self._gauge(
            "checkpoint_seconds", "What the newest checkpoint took to write."
        )

    def count_batch(self, arrived: Released, kept: Longs, now: int) -> None:
        """Count a batch that the broker has all outputs of, at ``now`` in milliseconds since the Unix epoch.

        ``kept`` (int64[M]) are the places of its events that were no repeats.
        """
        repeats = np.delete(np.arange(len(arrived.events)), kept).tolist()
        self.count_events("answered", (arrived.events[at].event for at in kept.tolist()))
        self.count_events("duplicate", (arrived.events[at].event for at in repeats))
        self.count_events("forgotten", (place.event.event for place in arrived.erased))
        self.count_dead_letters(place.chunk.tp.topic for place, _ in arrived.refused)
        sent = np.array([arrived.places[at].record.timestamp for at in kept.tolist()], dtype=np.int64)
        self.count_answers((now - sent) / 1000)

    def count_events(self, outcome: str, actions: Iterable[str]) -> None:
        """Count events of one outcome: ``answered``, ``duplicate`` or ``forgotten``."""
        counted = Counter(actions)
        for action, count in counted.items():
            self._events.labels(outcome, action).inc(count)
        if outcome == "answered":
            self.usable += counted.total()
        elif outcome == "duplicate":
            self.duplicates += counted.total()
        else:
            self.forgotten += counted.total()

    def count_dead_letters(self, topics: Iterable[str]) -> None:
        """Count records of source topics that went to the dead letters."""
        for topic in topics:
            self._dead_letters.labels(topic).inc()
            self.dead_letters += 1

    def count_inner_dead_letters(self, topic: str, letters: int) -> None:
        """Count records of another topic that went to its dead letters."""
        self._dead_letters.labels(topic).inc(letters)

    def count_erasures(self, topic: str, users: int, refused: int) -> None:
        """Count users that were erased, and records of the topic that asked for nothing."""
        self._erasures.inc(users)
        self.count_inner_dead_letters(topic, refused)

    def count_answers(self, seconds: npt.NDArray[np.float64]) -> None:
        """Count recommendations that the broker has confirmed, each with its latency in seconds."""
        self._recommendations.inc(len(seconds))
        self._latency.observe_many(seconds)

    def count_lesson(self, examples: int, loss: float, age_seconds: float) -> None:
        """Count a batch that the learner has learnt from, and how old it was then."""
        self._batches.inc()
        self._examples.inc(examples)
        self.learnt += examples
        self._loss.set(loss)
        self._learner_lag.set(age_seconds)

    def show_quality(self, quality: dict[str, Quality]) -> None:
        """Show the prequential figures of each model."""
        for model, figures in quality.items():
            self._hit_rate.labels(model).set(figures.hit_rate_20)
            self._mrr.labels(model).set(figures.mrr_20)

    def show_drift(self, levels: Mapping[str, float], refused: int) -> None:
        """Show how what is watched stands, and how many rows were left out of steps."""
        for signal, level in levels.items():
            self._level.labels(signal).set(level)
        self._refused.set(refused)

    def latency_ms(self) -> dict[str, float]:
        """Return the percentiles of late in milliseconds, 0 before the first recommendation."""
        return self._latency.percentiles_ms()

    def _counter(self, name: str, text: str, *labels: str) -> Metric:
        return Metric(f"headrace_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"headrace_{name}", text, labels, registry=self.registry)
