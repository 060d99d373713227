"""The pages of a worker's web port."""

import asyncio
import re
import socket
from collections.abc import Iterator
from urllib.parse import quote

import msgpack
import pytest
from faust.types import TP
from faust_worker import delete_records
from prometheus_client.parser import text_string_to_metric_families
from shop import Shop, finished
from worker_process import WorkerProcess

from producers.bundled import REES46
from stream.ports import LOOPBACK
from stream.topic_setup import create_missing
from stream.topics import Topics

_EVENTS = 600
_TOP_K, _PARTITIONS = 9, 4
_LABELS = {"event", "outcome", "topic", "partition", "model", "signal", "le"}
_BAD_COUNTS = ["0", "-1", "1001", "x", "1.5", "", "1e2", "9" * 5_000]


@pytest.fixture(scope="module")
def starting(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerProcess]:
    """A worker whose examples of old are gone, as after their retention."""
    shop, folder = Shop.new(broker), tmp_path_factory.mktemp("worker")
    create_missing([broker], Topics(shop.prefix, _PARTITIONS).wanted(), {})
    shop.publish([("examples", None, b"old"), ("examples", None, b"older")])
    asyncio.run(delete_records(broker, TP(shop.topic("examples"), 0), before=2))
    with WorkerProcess(shop, folder, top_k=_TOP_K, partitions=_PARTITIONS) as worker:
        yield worker


@pytest.fixture(scope="module")
def worker(starting: WorkerProcess) -> WorkerProcess:
    """A worker that has answered and learnt from a log."""
    finished(starting.shop.command("replay", REES46, "--limit", _EVENTS))
    starting.ready().reaches(usable=_EVENTS, learnt=_EVENTS)
    return starting


def _page(worker: WorkerProcess) -> bytes:
    return worker.get("/metrics").body


@pytest.fixture(scope="module")
def samples(worker: WorkerProcess) -> dict[str, list[tuple[dict[str, str], float]]]:
    """Labels and values of each metric, as Prometheus's own parser reads them, once all is acknowledged."""
    worker.until(
        lambda: not re.search(rb"^headrace_consumer_lag{.* [1-9]", _page(worker), re.MULTILINE), "no lag"
    )
    page = worker.get("/metrics")
    assert page.type.startswith("text/plain; version=")
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in text_string_to_metric_families(page.body.decode()):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


def _total(samples: dict[str, list[tuple[dict[str, str], float]]], name: str, **labels: str) -> float:
    return sum(value for found, value in samples[f"headrace_{name}"] if labels.items() <= found.items())


def test_it_is_ready_only_with_its_partitions(starting: WorkerProcess) -> None:
    def is_ready() -> bool:
        answer = starting.get("/readyz")
        assert (answer.status, answer.body) in [(0, b""), (503, b'{"ready":false}'), (200, b'{"ready":true}')]
        return answer.status == 200

    starting.until(is_ready, "the worker is ready")
    assert "Setting newly assigned partitions" in starting.log
    assert starting.get("/healthz").json == {"status": "alive"}


def test_the_first_page_is_one_of_its_own_that_shows_the_status(starting: WorkerProcess) -> None:
    starting.until(lambda: starting.get("/").status != 0, "the web port answers")
    page = starting.get("/")
    assert (page.status, page.type) == (200, "text/html; charset=utf-8")
    text = page.body.decode()
    assert text.startswith("<!doctype html>")
    assert 'fetch("/status"' in text
    assert not re.search(r"https?:|src=|@import|url\(", text), "it needs something from elsewhere"


def test_only_the_loopback_reaches_it(worker: WorkerProcess) -> None:
    socket.create_connection((LOOPBACK, worker.port)).close()
    with pytest.raises(OSError, match=r"refused|timed out|unreachable"):
        # Another address of the same machine: who listens on all of them answers here as well.
        socket.create_connection(("127.0.0.2", worker.port), timeout=5)


def test_metrics_count_every_event(samples: dict[str, list[tuple[dict[str, str], float]]]) -> None:
    assert _total(samples, "events_total", outcome="answered") == _EVENTS
    assert _total(samples, "events_total", event="view_item") > 0.9 * _EVENTS
    assert _total(samples, "recommendations_total") == _EVENTS
    assert _total(samples, "learner_examples_total") == _EVENTS
    assert 0 < _total(samples, "learner_batches_total") <= _EVENTS
    assert _total(samples, "event_to_recommendation_seconds_count") == _EVENTS
    assert _total(samples, "event_to_recommendation_seconds_bucket", le="+Inf") == _EVENTS
    assert _total(samples, "consumer_lag") == 0


def test_metrics_tell_the_quality_of_each_model(
    worker: WorkerProcess, samples: dict[str, list[tuple[dict[str, str], float]]]
) -> None:
    quality = worker.figures()["quality"]
    for name in ("hit_rate_20", "mrr_20"):
        shown = {labels["model"]: value for labels, value in samples[f"headrace_{name}"]}
        assert shown == {model: figures[name] for model, figures in quality.items()}
        assert shown.keys() >= {"headrace", "pop", "rep"}
    assert _total(samples, "loss") > 0
    assert _total(samples, "table_rows") == worker.figures()["rows"] > 0


def test_no_label_names_a_user_or_an_item(samples: dict[str, list[tuple[dict[str, str], float]]]) -> None:
    ours = [labels for name, found in samples.items() if name.startswith("headrace_") for labels, _ in found]
    assert set().union(*ours) == _LABELS


def test_the_popular_list_has_k_items(worker: WorkerProcess) -> None:
    ten = worker.get("/popular?k=10").json["items"]
    assert len(set(ten)) == 10
    assert worker.get("/popular?k=3").json["items"] == ten[:3]
    assert worker.get("/popular").json["items"] == ten[:_TOP_K]


def test_a_known_user_gets_k_items_but_not_the_latest(worker: WorkerProcess) -> None:
    event = msgpack.unpackb(worker.shop.read("clicks")[-1].value)
    page = f"/users/{event['user_id']}/recommendations"
    items = worker.get(f"{page}?k=30").json["items"]
    assert len({item["item_id"] for item in items}) == 30
    assert event["item_id"] not in {item["item_id"] for item in items}
    assert [item["score"] for item in items] == sorted((item["score"] for item in items), reverse=True)
    few = worker.get(page).json["items"]
    for name in ("item_id", "score", "source"):
        assert [item[name] for item in few] == [item[name] for item in items[:_TOP_K]]
    for name in ("p_cart", "p_purchase"):  # sums over fewer items may differ in their last bits
        expected = [item[name] for item in items[:_TOP_K]]
        assert [item[name] for item in few] == pytest.approx(expected, rel=1e-4)


def test_an_unknown_user_gets_the_popular_items(worker: WorkerProcess) -> None:
    user = "who/ever é?"
    answer = worker.get(f"/users/{quote(user, safe='')}/recommendations?k=4").json
    assert answer["user_id"] == user
    assert [item["item_id"] for item in answer["items"]] == worker.get("/popular?k=4").json["items"]


@pytest.mark.parametrize("count", _BAD_COUNTS)
@pytest.mark.parametrize("page", ["/popular", "/users/ann/recommendations"])
def test_a_bad_count_is_refused_by_name(worker: WorkerProcess, page: str, count: str) -> None:
    answer = worker.get(f"{page}?k={count}")
    assert answer.status == 400
    assert answer.type.startswith("application/json")
    assert answer.json["error"].startswith("k: must be a whole number from 1 to 1000 (got '")
    assert len(answer.json["error"]) < 200


def test_a_page_that_is_not_there_is_not_found(worker: WorkerProcess) -> None:
    assert worker.get("/nothing").status == 404
