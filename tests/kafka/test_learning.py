"""The learner over kills, stops and erasures: bit for bit a pure function of what is recorded."""

import csv
import gzip
import struct
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch
from answers import read_sources
from shop import Log, Shop, finished
from worker_process import WorkerProcess

from models.recommender import Recommender
from models.stock import Stock
from producers.bundled import REES46
from stream.chaos.learner import Taught, relearn, steps_of, unequal_rows
from stream.erasure_records import erasure_record
from stream.model_topic import DENSE, Dense
from stream.settings import Settings

CPU = torch.device("cpu")
EVENTS = 3_000
FORGOTTEN = 8  # users at a time
_TAKING_BACK = ("remove_from_cart", "refund")


@pytest.fixture(scope="module")
def shop(broker: str) -> Shop:
    return Shop.new(broker)


@pytest.fixture(scope="module")
def worker(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerProcess]:
    with WorkerProcess(shop, tmp_path_factory.mktemp("worker"), batch=64) as running:
        yield running


def committed(shop: Shop, name: str) -> list[Any]:
    log = Log(shop, name, isolation_level="read_committed")
    try:
        return log.read_to_end()
    finally:
        log.close()


def forget_some(shop: Shop) -> None:
    """Have the users forgotten who have taught the most so far."""
    taught = Taught.of(shop.read("examples"))
    of_user = Counter(taught.examples.who[taught.examples.teaches].tolist())
    shop.post(erasure_record(shop.topic("examples"), who) for who, _ in of_user.most_common(FORGOTTEN))


def relearnt(shop: Shop) -> tuple[Recommender, dict[bytes, bytes | None]]:
    """Return a new model that has taken every step on record, and the rows it has come to."""
    settings = Settings()
    model = Recommender(Stock(settings.max_items, CPU), settings.seed)
    steps = steps_of(committed(shop, "steps"))
    return model, relearn(Taught.of(shop.read("examples")), steps, model)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the bundled log without what it says of items.

    What is learnt of descriptions also hangs on when the catalog was read, of which there is no record.
    """
    file = tmp_path_factory.mktemp("log") / "events.csv"
    columns = "ts", "user", "item", "event", "session"
    with gzip.open(REES46, "rt", newline="") as source, file.open("w", newline="") as copy:
        rows = csv.DictWriter(copy, columns, extrasaction="ignore")
        rows.writeheader()
        rows.writerows(islice(csv.DictReader(source), EVENTS))
    return file


@pytest.fixture(scope="module")
def stormed(shop: Shop, worker: WorkerProcess, log: Path) -> Shop:
    """A log was learnt from by a worker that was killed three times, and some users were forgotten."""
    torch.set_num_threads(1)
    worker.ready()
    replay = shop.command("replay", log, "--rate", 300)
    for examples in (300, 900, 1_600):
        worker.reaches(examples=examples)
        forget_some(shop)
        worker.kill()
        worker.start().ready()
    finished(replay)
    events = read_sources(shop)
    teaching = [event for event in events.values() if event["event"] not in _TAKING_BACK]
    assert worker.reaches(examples=len(teaching))["examples"] == len(teaching)
    forget_some(shop)
    worker.stop()
    return shop


def test_the_rows_are_a_pure_function_of_examples_and_steps_bit_for_bit(stormed: Shop) -> None:
    _, rows = relearnt(stormed)
    found = {record.key: record.value for record in committed(stormed, "model")}
    assert len(rows) > 500
    assert unequal_rows(rows, found) == 0


def test_so_is_the_dense_part(stormed: Shop) -> None:
    model, _ = relearnt(stormed)
    dense = [Dense.from_bytes(it.value) for it in committed(stormed, "model") if it.key == DENSE][-1]
    assert (dense.version, dense.state) == (model.version, model.take_changes().dense)
    # The first worker, and after each kill another; one that was killed before it published left no trace.
    assert 1 < dense.progress["epoch"] <= 4


def test_the_checkpoints_know_no_user(stormed: Shop, worker: WorkerProcess) -> None:
    users = set(Taught.of(stormed.read("examples")).examples.who.tolist())
    files = sorted((worker.log_file.parent / "state" / "model").iterdir())
    kept = b"".join(path.read_bytes() for path in files)
    assert len(kept) > 100_000
    assert not [who for who in users if struct.pack("<q", who) in kept]
