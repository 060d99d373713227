"""A whole story on a real broker: the model is spoilt, an alarm, a challenger, a kill, and the promotion."""

import asyncio
import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgpack
import numpy as np
import pytest
import torch
from shop import DEADLINE, Log, Shop, finished, until
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from worker_process import WorkerProcess

from models.challenger import Challenger, Standing
from models.metrics import NOT_SCORED
from models.packing import unpack
from models.recommender import Recommender
from models.record_block import RecordBlock
from models.stock import Stock
from models.training import Training
from stream.bench.poisons import opposite
from stream.challenge.folder import TrialFolder
from stream.chaos.learner import Taught
from stream.model_topic import DENSE, Dense, Transactions
from stream.settings import Settings

# Events: a challenger needs 10,000, and an alarm some.
PARTS = (0, 12_000, 20_000, 23_000)
FIELDS = ("event_id", "event", "ts", "user_id", "item_id")
CPU = torch.device("cpu")


class Story:
    """What the decisions topic tells, as it comes."""

    def __init__(self, shop: Shop) -> None:
        self._log = Log(shop, "decisions", isolation_level="read_committed")

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The decisions of a kind so far, in order."""
        told = [msgpack.unpackb(record.value) for record in self._log.read()]
        return [decision for decision in told if decision["kind"] == kind]

    def close(self) -> None:
        self._log.close()


@pytest.fixture(scope="module")
def shop(broker: str) -> Shop:
    return Shop.new(broker)


@pytest.fixture(scope="module")
def logs(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The events before the model is spoilt, while it is and then: a made-up shop's, without its catalog.

    What is learnt of descriptions also hangs on when the catalog was read, of which there is no record.
    """
    folder = tmp_path_factory.mktemp("logs")
    plan = ("--seed", 3, "--users", 2000, "--items", 1000, "--views-per-day", 20_000, "--limit", PARTS[-1])
    finished(shop.command("shop", *plan, "--log", folder / "all.jsonl"))
    events = [json.loads(line) for line in (folder / "all.jsonl").read_text().splitlines()]
    lines = [json.dumps({name: event[name] for name in FIELDS}) + "\n" for event in events]
    parts = []
    for number, (start, end) in enumerate(pairwise(PARTS)):
        parts.append(folder / f"{number}.jsonl")
        parts[-1].write_text("".join(lines[start:end]))
    return parts


@pytest.fixture(scope="module")
def worker(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerProcess]:
    folder = tmp_path_factory.mktemp("worker")
    with WorkerProcess(shop, folder, batch=64, tensorboard=folder / "curves") as running:
        yield running


@pytest.fixture
def story(shop: Shop, worker: WorkerProcess) -> Iterator[Story]:
    worker.ready()  # which has made the topics
    with closing(Story(shop)) as story:
        yield story


def newest(shop: Shop) -> Dense:
    """Return what was published last of the model, but for its rows."""
    records = [record for record in shop.read("model") if record.key == DENSE]
    return Dense.from_bytes(records[-1].value)


def spoil(shop: Shop) -> None:
    """Publish a model that ranks by the opposite of what it has learnt, as a broken learner would."""
    dense = newest(shop)
    blend = dense.state["blend"]
    weights = opposite(np.frombuffer(blend["weights"], np.float32))
    state = dense.state | {"blend": blend | {"weights": weights.tobytes()}}
    record = RecordBlock.of(DENSE, dense._replace(state=state).to_bytes())

    async def publish() -> None:
        transactions = Transactions({"bootstrap_servers": shop.broker}, f"{shop.prefix}-learner")
        await transactions.start()
        await transactions.write([(shop.topic("model"), [record])])
        await transactions.stop()

    asyncio.run(publish())


def judged_again(shop: Shop, started: dict[str, Any], kept: TrialFolder) -> Standing:
    """Return how a challenger stands once there is a verdict, by the log, and the champion as it was kept."""
    first, end, recent = (started["details"][name] for name in ("from", "to", "recent"))
    assert first == 0
    records = shop.read("examples")
    known = len(Taught.of(record for record in records if record.offset < end).examples.item)
    whole = Taught.of(records).examples
    window, later = whole.steps([known, len(whole.item) - known])

    def new() -> Recommender:
        return Recommender(Stock(Settings().max_items, CPU), Settings().seed)

    champion = kept.champion(end).build(new)
    challenger = Challenger(Training(new, [window], recent).run().recommender, champion)
    for step in later.steps(64):
        challenger.follow(step)
        if challenger.standing.verdict:
            break
    return challenger.standing


def hit_rate(shop: Shop, start: int, stop: int | None) -> float:
    """Return how many of some examples were in what was served before, of those that count."""
    ranks = torch.cat([unpack(record.value)[0].rank for record in shop.read("examples")])[start:stop]
    return float((ranks > 0).sum() / (ranks != NOT_SCORED).sum())


def last_points(folder: Path, *curves: str) -> list[float]:
    """Return the ends of curves, as TensorBoard reads them."""
    read = EventAccumulator(str(folder)).Reload()
    return [read.Scalars(curve)[-1].value for curve in curves]


def replay(shop: Shop, log: Path, *options: object) -> "subprocess.Popen[str]":
    return shop.command(
        "replay", log, "--broker", shop.broker, "--topic-prefix", shop.prefix, "--rate", 1_500, *options
    )


def test_what_an_operator_asks_for_is_on_record(shop: Shop, worker: WorkerProcess, story: Story) -> None:
    worker.ready()
    web = "--web", f"http://127.0.0.1:{worker.port}"
    said = finished(shop.command("retrain", "--reason", "a new season", *web))
    assert said.startswith("asked for at offset 0 of")
    worker.until(lambda: bool(story.of("retrain-refused")), "the request is answered")
    told = finished(shop.command("decisions", *web)).splitlines()[-1]
    assert "retrain-refused" in told
    assert "'a new season' is not done: only 0 examples were learnt" in told
    (line,) = finished(shop.command("decisions", "--json", *web)).splitlines()
    assert json.loads(line)["details"]["why"] == "a new season"


def test_a_spoilt_model_is_noticed_and_replaced_though_the_learner_is_killed(
    shop: Shop, worker: WorkerProcess, story: Story, logs: list[Path], tmp_path: Path
) -> None:
    worker.ready()
    finished(replay(shop, logs[0]))
    worker.reaches(handled=PARTS[1])
    worker.until(lambda: worker.figures()["learnt"] >= worker.figures()["handed_on"], "all is learnt")
    worker.stop()
    spoil(shop)
    worker.start().ready()
    replaying = replay(shop, logs[1])
    worker.until(lambda: bool(story.of("retrain-started")), "a challenger is trained")
    kept = tmp_path / "kept"
    shutil.copytree(worker.log_file.parent / "state" / "challenge", kept)
    worker.kill()
    worker.start()
    until(lambda: bool(story.of("promotion")), "the challenger is promoted", 3 * DEADLINE)
    finished(replaying)
    (started,), (promotion,) = story.of("retrain-started"), story.of("promotion")
    assert len(story.of("retrain-resumed")) == 1
    standing = judged_again(shop, started, TrialFolder(kept))
    figures = {name: promotion["details"][name] for name in Standing._fields}
    assert figures == pytest.approx(standing._asdict()), story.of("retrain-trained")
    worker.ready()
    worker.reaches(lag=0)
    finished(replay(shop, logs[2]))
    worker.until(
        lambda: worker.figures()["lag"] == 0 and len(shop.read("recommendations")) >= PARTS[-1], "all"
    )
    good, spoilt, again = (
        hit_rate(shop, *part) for part in ((6_000, 11_500), (12_500, 14_500), (-2_000, None))
    )
    assert spoilt < 0.5 * good
    assert again > 0.9 * good
    assert worker.figures()["drift"]["promotions"] == 1
    worker.stop()
    examples = Taught.of(shop.read("examples")).examples
    assert newest(shop).progress["taught"] == int(examples.teaches.sum())  # each once, also of the successor
    curves = worker.log_file.parent / "curves"
    assert last_points(curves, "decisions/promotion", "decisions/drift-alarm") == [1, 1]
