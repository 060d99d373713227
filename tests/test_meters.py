"""Laws of the worker's figures: what Prometheus reads is what was counted."""

import numpy as np
import pytest
from arriving import BAD, NOW, chunk
from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from models.metrics import Quality
from stream.arrivals import Arrivals
from stream.meters import Meters


def samples(meters: Meters) -> dict[tuple[str, tuple[str, ...]], float]:
    """Return what a scrape reads: values by name and its labels' values, labels in order."""
    families = text_string_to_metric_families(generate_latest(meters.registry).decode())
    return {
        (s.name, tuple(s.labels[name] for name in sorted(s.labels))): s.value
        for family in families
        for s in family.samples
    }


def test_events_are_counted_by_outcome_and_type() -> None:
    meters = Meters()
    meters.count_events("answered", ["view_item", "purchase", "view_item"])
    meters.count_events("duplicate", ["view_item"])
    meters.count_events("forgotten", ["refund"])
    meters.count_events("answered", [])
    read = samples(meters)
    assert read["headrace_events_total", ("view_item", "answered")] == 2
    assert read["headrace_events_total", ("purchase", "answered")] == 1
    assert read["headrace_events_total", ("view_item", "duplicate")] == 1
    assert read["headrace_events_total", ("refund", "forgotten")] == 1
    assert (meters.usable, meters.duplicates, meters.forgotten) == (3, 1, 1)


def test_each_record_of_a_batch_has_one_outcome() -> None:
    arrivals, meters = Arrivals(100), Meters()
    arrivals.add(chunk(TP("clicks", 3), 7, [10, 20, BAD, 30, 40]), NOW)
    whole = arrivals.release(3, ())
    assert whole is not None
    arrived = whole.without(whole.places[:1])
    meters.count_batch(arrived, np.array([0, 2]), NOW)
    outcomes = (meters.usable, meters.duplicates, meters.forgotten, meters.dead_letters)
    assert (outcomes, sum(outcomes)) == ((2, 1, 1, 1), 5)


def test_dead_letters_are_counted_by_topic() -> None:
    meters = Meters()
    meters.count_dead_letters(["clicks", "purchases", "clicks"])
    read = samples(meters)
    assert read["headrace_dead_letters_total", ("clicks",)] == 2
    assert read["headrace_dead_letters_total", ("purchases",)] == 1
    assert meters.dead_letters == 3


def test_recommendations_and_their_latencies_are_one_count() -> None:
    meters = Meters()
    meters.count_answers(np.array([0.002, 0.02, 2.0, 1000.0]))
    read = samples(meters)
    assert read["headrace_recommendations_total", ()] == 4
    assert read["headrace_event_to_recommendation_seconds_count", ()] == 4
    assert read["headrace_event_to_recommendation_seconds_sum", ()] == pytest.approx(1002.022)
    assert read["headrace_event_to_recommendation_seconds_bucket", ("0.03",)] == 2
    assert read["headrace_event_to_recommendation_seconds_bucket", ("60.0",)] == 3


@given(st.lists(st.floats(0, 100), min_size=1, max_size=50))
def test_percentiles_are_those_of_numpy_in_milliseconds(seconds: list[float]) -> None:
    meters = Meters()
    meters.count_answers(np.array(seconds))
    expected = np.percentile(seconds, [50, 95, 99]) * 1000
    assert list(meters.latency_ms().values()) == pytest.approx(expected.tolist(), abs=0.051)


def test_before_the_first_recommendation_the_percentiles_are_0() -> None:
    assert Meters().latency_ms() == {"p50": 0, "p95": 0, "p99": 0}


def test_lessons_add_up_and_the_latest_loss_is_shown() -> None:
    meters = Meters()
    meters.count_lesson(256, 5.5, 0.25)
    meters.count_lesson(100, 4.5, 0.5)
    read = samples(meters)
    assert read["headrace_learner_batches_total", ()] == 2
    assert read["headrace_learner_examples_total", ()] == meters.learnt == 356
    assert read["headrace_loss", ()] == 4.5
    assert read["headrace_learner_lag_seconds", ()] == 0.5


def test_quality_is_shown_for_each_model() -> None:
    meters = Meters()
    meters.show_quality({"headrace": Quality(0.5, 0.25, 0.3, 9), "pop": Quality(0.1, 0.05, 0.06, 9)})
    read = samples(meters)
    assert read["headrace_hit_rate_20", ("headrace",)] == 0.5
    assert read["headrace_mrr_20", ("pop",)] == 0.05


def test_every_name_is_headraces_and_no_label_is_a_user_or_an_item() -> None:
    meters = Meters()
    meters.count_events("answered", ["view_item"])
    meters.count_dead_letters(["clicks"])
    meters.consumer_lag.labels("clicks", 0).set(1)
    families = list(text_string_to_metric_families(generate_latest(meters.registry).decode()))
    assert all(family.name.startswith("headrace_") for family in families)
    labels = {name for family in families for sample in family.samples for name in sample.labels}
    assert labels <= {"outcome", "event", "topic", "partition", "model", "le"}


def test_two_workers_in_one_process_count_for_themselves() -> None:
    one, two = Meters(), Meters()
    one.count_dead_letters(["clicks"])
    assert ("headrace_dead_letters_total", ("clicks",)) not in samples(two)


def test_counts_of_the_state_are_counters_and_levels_are_gauges() -> None:
    meters = Meters()
    meters.tallies.show({"drift_alarms": 3, "retrains": 2, "promotions": 1, "rollbacks": 0})
    meters.show_drift({"missed_views": 0.25}, 4)
    read = samples(meters)
    names = ("drift_alarms", "retrains", "promotions", "rollbacks")
    assert [read[f"headrace_{name}_total", ()] for name in names] == [3, 2, 1, 0]
    assert read["headrace_drift_level", ("missed_views",)] == 0.25
    assert read["headrace_refused_rows", ()] == 4
