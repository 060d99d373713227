"""What one worker learns another serves: with rows as they are, as int8, or as a byte budget allows."""

from pathlib import Path
from uuid import uuid4

import pytest
import torch

from models.recommender import Recommender
from models.stock import Stock
from producers.bundled import REES46
from stream.bench.freshness import Probe
from stream.broker import Broker
from stream.chaos.learner import Taught, relearn, steps_of, unequal_rows
from stream.chaos.records import Record, newest, read_topic
from stream.chaos.system import System

SECONDS = 60.0  # no test of speed: a busy machine needs many times what `headrace bench fresh` shows
INT8 = {"HEADRACE_MODEL_ROWS": "int8"}
# Fewer than a step changes, so that rows wait all the time.
BUDGET = {"HEADRACE_MODEL_BYTES_PER_SECOND": "20000"}


def prober(system: System) -> Probe:
    """Have two workers of which one learns, a load, and what asks the other."""
    other = system.join(HEADRACE_LEARNER="no")
    system.open(1, REES46, rate=100)
    return Probe(system.broker.address, system.topics, other.client, SECONDS)


def system(broker: Broker, folder: Path, rows: dict[str, str]) -> System:
    name = f"test-{uuid4().hex[:12]}"
    variables = {"HEADRACE_TOPIC_PREFIX": f"{name}-", "HEADRACE_APP_ID": name, "HEADRACE_DEVICE": "cpu"}
    return System(broker, folder, variables | rows, "stream.app")


def read(of: System, topic: str) -> list[Record]:
    return read_topic(of.broker.address, of.topics.name(topic))


@pytest.mark.parametrize("rows", [{}, INT8], ids=["exact", "int8"])
def test_what_an_event_has_taught_is_served_by_another_worker(
    embedded: Broker, tmp_path: Path, rows: dict[str, str]
) -> None:
    with system(embedded, tmp_path, rows) as running, prober(running) as probe:
        seeker = probe.find_seeker()
        for number in range(3):
            answered, served, found = probe.run(number, seeker)
            assert 0 < answered < min(served, found)


def test_under_a_budget_news_come_as_well_and_after_a_good_end_nothing_is_missing(
    embedded: Broker, tmp_path: Path
) -> None:
    torch.set_num_threads(1)
    with system(embedded, tmp_path, BUDGET) as running:
        with prober(running) as probe:
            probe.run(0, probe.find_seeker())
        # The workers' own word: something waits.
        other = running.members[0].status()
        assert 0 < other.complete < other.version
        running.load.finish()
        running.stop()
        model = Recommender(Stock(running.settings.max_items, torch.device("cpu")), running.settings.seed)
        rows = relearn(Taught.of(read(running, "examples")), steps_of(read(running, "steps")), model)
        found = {key: value for (_, key), value in newest(read(running, "model")).items()}
        assert len(rows) > 100
        assert unequal_rows(rows, found) == 0
