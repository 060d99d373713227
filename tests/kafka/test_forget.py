"""A user who is erased: nothing is left, nothing brings it back, and who comes again begins anew."""

import json
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from time import time
from typing import Any

import msgpack
import pytest
from answers import publish
from kept import facts_of, kept_in, logged, traffic
from shop import Shop, finished, until
from worker_process import WorkerProcess

from stream.erasure_records import erased_user

_SETTINGS = {"batch": 32, "top_k": 3, "partitions": 4}
_USER, _OTHER = "erased-ann", "erased-bob"
_DUE_SECONDS = 60.0


@pytest.fixture
def shop(broker: str) -> Shop:
    return Shop.new(broker)


@pytest.fixture
def worker(shop: Shop, tmp_path: Path) -> Callable[..., WorkerProcess]:
    return lambda name, **settings: WorkerProcess(shop, tmp_path / name, **_SETTINGS, **settings)


def visits(user: str, count: int = 70, start: int = 0) -> list[dict[str, Any]]:
    """Events of one user between those of others; so many that a block of older event ids is full."""
    mine = [
        {**event, "user_id": user, "event_id": f"{user}-{n}"} for n, event in enumerate(traffic(range(count)))
    ]
    return [*mine, *traffic(range(start, start + 200))]


def files_with(folder: Path, needle: bytes) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file() and needle in _read(path)]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:  # rocksdb has dropped it meanwhile
        return b""


def decisions(shop: Shop) -> list[dict[str, Any]]:
    return [msgpack.unpackb(record.value) for record in shop.read("decisions")]


def erasures_taught(shop: Shop) -> set[int]:
    found = {erased_user(record.headers) for record in shop.read("examples")}
    return {one for one in found if one is not None}


def newest_profiles(shop: Shop) -> dict[bytes, bytes | None]:
    return {record.key: record.value for record in shop.read("profiles") if record.key[:1] in b"pb"}


def answers_for(shop: Shop, user: str) -> int:
    return sum(record.key == user.encode() for record in shop.read("recommendations"))


def test_nothing_is_left_of_a_user_and_no_replay_or_rebuild_brings_it_back(
    shop: Shop, worker: Callable[..., WorkerProcess], tmp_path: Path
) -> None:
    events = [*visits(_USER), *visits(_OTHER)]
    with worker("a") as first:
        publish(shop, events)
        first.ready().reaches(usable=340, duplicates=200)
        store = tmp_path / "a" / "state" / "profiles"
        assert files_with(store, _USER.encode())
        asked = first.get(f"/users/{_USER}", "DELETE")
        assert asked.status == 202
        assert asked.json["topic"] == shop.topic("forget")
        output = finished(shop.command("forget", _OTHER, "--web", f"http://127.0.0.1:{first.port}"))
        assert "done within 60 s" in output
        first.until(lambda: not files_with(store, _USER.encode()), "nothing is left in the files")
        first.until(lambda: not files_with(store, _OTHER.encode()), "nothing is left in the files")
        page = first.get(f"/users/{_USER}/recommendations?k=3").json
        assert [item["item_id"] for item in page["items"]] == first.get("/popular?k=3").json["items"]
        first.kill()

    ann, _ = sorted(decisions(shop), key=lambda decision: decision["ts"])
    assert (ann["kind"], ann["details"]["offset"]) == ("erasure", asked.json["offset"])
    counts = {name: ann["details"][name] for name in ("events", "event_blocks", "served_items")}
    assert counts == {"events": 70, "event_blocks": 1, "served_items": 3}
    assert len(erasures_taught(shop)) == 2
    changelog = newest_profiles(shop)
    for name in (b"p", b"b"):
        assert changelog[name + _USER.encode()] is None
        assert changelog[name + _OTHER.encode()] is None

    shutil.rmtree(tmp_path / "a" / "state")
    with worker("a") as again:
        before = answers_for(shop, _USER)
        publish(shop, events)
        figures = again.ready().reaches(forgotten=140, duplicates=200)
        assert figures["usable"] == 0
        newer = {**events[0], "event_id": "anew", "ts": int(time() * 1000)}
        publish(shop, [newer])
        again.reaches(usable=1)
        again.until(lambda: not files_with(store, _OTHER.encode()), "nor in the files of what was rebuilt")
        again.stop()
    assert answers_for(shop, _USER) == before + 1
    kept = facts_of([newer])
    assert kept_in(store, [_USER, _OTHER]) == kept
    assert logged(shop, [_USER, _OTHER]) == kept


def test_a_worker_killed_in_the_middle_of_it_and_again_goes_on_with_it(
    shop: Shop, worker: Callable[..., WorkerProcess], tmp_path: Path
) -> None:
    with worker("a", crash_at="erased-not-published:1") as doomed:
        publish(shop, visits(_USER))
        doomed.ready().reaches(usable=270)
        assert doomed.get(f"/users/{_USER}", "DELETE").status in (0, 202)  # it may die before it answers
        doomed.process.wait(_DUE_SECONDS)
    assert (decisions(shop), erasures_taught(shop)) == ([], set())
    with worker("a", crash_at="published-not-confirmed:1") as doomed:
        doomed.process.wait(_DUE_SECONDS)
    assert len(erasures_taught(shop)) == 1
    with worker("a") as again:
        store = tmp_path / "a" / "state" / "profiles"
        again.ready().until(lambda: not files_with(store, _USER.encode()), "nothing is left in the files")
        again.stop()
    assert len(erasures_taught(shop)) == 1
    assert {decision["details"]["events"] for decision in decisions(shop)} == {70}
    assert newest_profiles(shop)[b"p" + _USER.encode()] is None
    assert kept_in(store, [_USER]) == {}


def test_a_copy_that_is_anothers_loses_the_user_too(
    shop: Shop, worker: Callable[..., WorkerProcess], tmp_path: Path
) -> None:
    users = [f"erased-{number}" for number in range(8)]  # in each of the partitions
    with worker("a") as first:
        publish(shop, [event for user in users for event in visits(user, 10)[:10]])
        first.ready().reaches(usable=80)
        with worker("b") as second:
            second.ready()
            for user in users:
                assert second.get(f"/users/{user}", "DELETE").status == 202
            until(lambda: len(decisions(shop)) == len(users), "all are erased")
            for name, one in (("a", first), ("b", second)):
                store = tmp_path / name / "state" / "profiles"
                one.until(lambda at=store: not files_with(at, b"erased-"), "nothing is left in the files")
    assert logged(shop, users) == {}


def test_what_asks_for_nothing_is_a_dead_letter_and_a_request_without_a_time_is_as_old_as_its_record(
    shop: Shop, worker: Callable[..., WorkerProcess]
) -> None:
    with worker("a") as first:
        publish(shop, visits(_USER, 10)[:10])
        first.ready().reaches(usable=10)
        shop.publish(_requests())
        first.until(lambda: len(shop.read("forget.dlq")) == 3, "three are no requests")
        first.until(lambda: len(decisions(shop)) == 1, "one is")
        publish(shop, [{**event, "event_id": f"again-{n}"} for n, event in enumerate(visits(_USER, 10)[:10])])
        first.reaches(forgotten=10)
    reasons = [dict(record.headers)["dlq.error"].decode() for record in shop.read("forget.dlq")]
    assert sorted(reason.split(":")[0] for reason in reasons) == ["key", "key", "ts"]


def _requests() -> Iterable[tuple[str, bytes, bytes]]:
    key, ahead = _USER.encode(), int(time() * 1000) + 3 * 86_400_000
    yield "forget", b"another", json.dumps({"user_id": _USER}).encode()
    yield "forget", key, json.dumps({"user_id": _USER, "ts": ahead}).encode()
    yield "forget", key, json.dumps({"user_id": "another"}).encode()
    yield "forget", key, json.dumps({"user_id": _USER}).encode()
