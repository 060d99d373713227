"""What the shop does not have is in no list, on any worker; what it has again may be."""

import json
import time
from collections.abc import Iterator

import pytest
from shop import Shop, finished
from worker_process import WorkerProcess

from producers.bundled import REES46

_EVENTS = 400


def _said(item: str, **facts: object) -> tuple[str, bytes, bytes]:
    return "catalog", item.encode(), json.dumps({"item_id": item, "ts": 1, **facts}).encode()


@pytest.fixture(scope="module")
def shop(broker: str) -> Shop:
    return Shop.new(broker)


@pytest.fixture(scope="module")
def workers(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[WorkerProcess]]:
    """Two workers, of which one has an item's catalog record and the other has not."""
    folder = tmp_path_factory.mktemp("workers")
    with (
        WorkerProcess(shop, folder / "one") as one,
        WorkerProcess(shop, folder / "two") as two,
    ):
        finished(shop.command("replay", REES46, "--limit", _EVENTS))
        for worker in (one, two):
            worker.ready()
            worker.until(lambda worker=worker: len(_popular(worker)) == 20, "a model")
        yield [one, two]


def _popular(worker: WorkerProcess) -> list[str]:
    return list(worker.get("/popular?k=20").json["items"])


def test_an_item_goes_and_comes_on_every_worker(shop: Shop, workers: list[WorkerProcess]) -> None:
    gone = _popular(workers[0])[:4]
    shop.publish([_said(gone[0], available=False), _said(gone[1], available=False)])
    shop.publish([("catalog", item.encode(), None) for item in gone[2:]])
    for worker in workers:
        worker.until(lambda worker=worker: not set(gone) & set(_popular(worker)), "no list has them")
        listed = worker.get("/users/nobody/recommendations?k=1000").json["items"]
        assert not set(gone) & {item["item_id"] for item in listed}
    shop.publish([_said(gone[0], available=True), _said(gone[2])])
    back = {gone[0], gone[2]}
    for worker in workers:
        worker.until(lambda worker=worker: back <= set(_popular(worker)), "they are back")
        assert not {gone[1], gone[3]} & set(_popular(worker))


def test_a_new_item_is_recommended_as_soon_as_it_is_described(
    shop: Shop, workers: list[WorkerProcess]
) -> None:
    seen = _popular(workers[0])[0]
    kind = {"category": ["made", "up"], "title": "a thing that was never there", "brand": "nobody's"}
    now = time.time_ns() // 1_000_000
    shop.publish([_said(seen, **kind), _said("brand new", **kind)])
    view = {"event_id": "e", "event": "view_item", "ts": now, "user_id": "curious", "item_id": seen}
    shop.publish([("clicks", b"curious", json.dumps(view).encode())])

    def is_listed() -> bool:  # by the one that has the user
        pages = (worker.get("/users/curious/recommendations?k=100").json["items"] for worker in workers)
        return ("brand new", "content") in {(it["item_id"], it["source"]) for page in pages for it in page}

    workers[0].until(is_listed, "it is recommended")


def test_a_new_worker_is_ready_only_when_it_knows_the_stock(
    shop: Shop, workers: list[WorkerProcess], tmp_path_factory: pytest.TempPathFactory
) -> None:
    item = _popular(workers[0])[0]
    shop.publish([_said(item, available=False)])
    with WorkerProcess(shop, tmp_path_factory.mktemp("three")) as late:
        late.ready()
        assert item not in _popular(late)
