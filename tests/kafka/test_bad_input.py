"""What cannot be used goes to the dead letters as it came, and everything else goes on."""

import json
import time
from collections.abc import Iterator
from itertools import count
from typing import Any, NamedTuple

import msgpack
import pytest
from prometheus_client.parser import text_string_to_metric_families
from shop import Shop
from worker_process import WorkerProcess

_USER = b"ann"
_NOW = time.time_ns() // 1_000_000
_TWO_DAYS = 2 * 86_400_000
_PLAIN = {"event_id": "bad", "event": "view_item", "ts": _NOW, "user_id": "ann", "item_id": "i"}
_HEADERS = ["dlq.error", "dlq.topic", "dlq.partition", "dlq.offset", "dlq.ts"]
_GOOD_IN_A_ROW = 5
_REFUSING = ["clicks", "purchases", "catalog", "examples"]


class Bad(NamedTuple):
    """A record that cannot be used, and the field that is wrong; ``value`` is the record as a whole."""

    field: str
    value: bytes | None
    key: bytes | None = _USER


def _packed(**changed: object) -> bytes:
    raw: bytes = msgpack.packb(_PLAIN | changed)
    return raw


def _json(**changed: object) -> bytes:
    return json.dumps(_PLAIN | changed).encode()


def _without(field: str) -> dict[str, object]:
    return {name: value for name, value in _PLAIN.items() if name != field}


def _short_columns() -> bytes:
    raw: bytes = msgpack.packb({"form": 1, "count": 1, "names": ["i"], "columns": [b""] * 7})
    return raw


_BAD = {
    "undecodable bytes": Bad("value", b"\xc1\xff\x00\x80"),
    "cut off": Bad("value", _packed()[:-1]),
    "no map": Bad("value", msgpack.packb([1, 2])),
    "no JSON": Bad("value", b"{'event_id': 1}"),
    "empty value": Bad("value", b""),
    "null value": Bad("value", None),
    "wrong type": Bad("item_id", _packed(item_id=7)),
    "wrong type in JSON": Bad("ts", _json(ts="soon")),
    "missing field": Bad("item_id", msgpack.packb(_without("item_id"))),
    "missing field in JSON": Bad("event_id", json.dumps(_without("event_id")).encode()),
    "null in a field": Bad("user_id", _packed(user_id=None)),
    "2 MB": Bad("value", _packed(session_id="s" * 2_000_000)),
    "empty key": Bad("key", _packed(), b""),
    "no key": Bad("key", _packed(), None),
    "key of another user": Bad("key", _packed(), b"bob"),
    "empty id": Bad("user_id", _packed(user_id=""), b""),
    "long id": Bad("item_id", _packed(item_id="é" * 129)),
    "more than a day ahead": Bad("ts", _packed(ts=_NOW + _TWO_DAYS)),
    "time zero": Bad("ts", _packed(ts=0)),
    "unknown event": Bad("event", _packed(event="teleport")),
    "NaN": Bad("price", _packed(price=float("nan"))),
    "infinite": Bad("price", _packed(price=float("inf"))),
    "NaN in JSON": Bad("value", _json(price=float("nan"))),
    "number of 5,000 digits": Bad("ts", _json().replace(b"%d" % _NOW, b"9" * 5_000)),
    "deep JSON": Bad("value", b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
}
_BAD_ITEMS = {
    "no item": Bad("value", b"\xc1", b"i"),
    "no id": Bad("item_id", msgpack.packb({"ts": 1}), b"i"),
    "NaN": Bad("price", msgpack.packb({"item_id": "i", "ts": 1, "price": float("nan")}), b"i"),
    "other key": Bad("key", msgpack.packb({"item_id": "i", "ts": 1}), b"j"),
}
_BAD_EXAMPLES = {
    "garbage": Bad("value", b"\xc1garbage", None),
    "null": Bad("value", None),
    "another map": Bad("value", msgpack.packb({"form": 1, "count": 3}), None),
    "another form": Bad("value", msgpack.packb({"form": 99}), None),
    "short columns": Bad("value", _short_columns(), None),
}
_GOOD_ITEM = msgpack.packb({"item_id": "i", "ts": 1, "title": "A thing", "brand": "acme"})


def _good(numbers: "count[int]") -> list[tuple[str, bytes, bytes]]:
    return [("clicks", _USER, _packed(event_id=f"good-{next(numbers)}")) for _ in range(_GOOD_IN_A_ROW)]


def _bad(topic: str, kinds: dict[str, Bad]) -> list[tuple[str, bytes | None, bytes | None]]:
    return [(topic, bad.key, bad.value) for bad in kinds.values()]


class Sent(NamedTuple):
    """What came of records of every bad kind first, between good ones and last, and more good ones then."""

    shop: Shop
    worker: WorkerProcess
    good: int
    records: dict[str, list[Any]]  # by topic, as are the dead letters
    dead_letters: dict[str, list[Any]]


@pytest.fixture(scope="module")
def shop(broker: str) -> Shop:
    return Shop.new(broker)


@pytest.fixture(scope="module")
def sent(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sent]:
    numbers = count()
    with WorkerProcess(shop, tmp_path_factory.mktemp("worker"), partitions=1) as worker:
        worker.ready()
        item = [("catalog", b"i", _GOOD_ITEM)]
        shop.publish(_bad("catalog", _BAD_ITEMS) + item + _bad("catalog", _BAD_ITEMS))
        shop.publish(_bad("examples", _BAD_EXAMPLES))
        bad = _bad("clicks", _BAD)
        shop.publish(bad + _good(numbers) + bad + _good(numbers) + bad)
        worker.reaches(dead_letters=3 * len(bad))
        shop.publish(_good(numbers))
        good = next(numbers)
        worker.reaches(usable=good, learnt=good)
        records = {topic: shop.read(topic) for topic in _REFUSING}
        yield Sent(shop, worker, good, records, {topic: shop.read(f"{topic}.dlq") for topic in _REFUSING})


def _check_dead_letters(sent: Sent, topic: str, kind: Bad, places: list[int]) -> None:
    """The dead letter at each place holds the record as it came, and says why and where it is from."""
    for place in places:
        record = sent.dead_letters[topic][place]
        assert (record.key, record.value) == (kind.key, kind.value)
        headers = dict(record.headers)
        assert list(headers) == _HEADERS
        assert headers["dlq.error"].decode().startswith(f"{kind.field}: ")
        assert headers["dlq.topic"].decode() == sent.shop.topic(topic)
        assert headers["dlq.partition"] == b"0"
        source = next(record for record in sent.records[topic] if record.offset == int(headers["dlq.offset"]))
        assert (source.key, source.value, source.timestamp) == (kind.key, kind.value, int(headers["dlq.ts"]))


@pytest.mark.parametrize("kind", _BAD)
def test_a_bad_event_becomes_a_dead_letter_wherever_it_stands(sent: Sent, kind: str) -> None:
    first = list(_BAD).index(kind)
    _check_dead_letters(sent, "clicks", _BAD[kind], [first, first + len(_BAD), first + 2 * len(_BAD)])


@pytest.mark.parametrize("kind", _BAD_ITEMS)
def test_a_bad_item_becomes_a_dead_letter(sent: Sent, kind: str) -> None:
    first = list(_BAD_ITEMS).index(kind)
    _check_dead_letters(sent, "catalog", _BAD_ITEMS[kind], [first, first + len(_BAD_ITEMS)])


@pytest.mark.parametrize("kind", _BAD_EXAMPLES)
def test_bad_examples_become_a_dead_letter(sent: Sent, kind: str) -> None:
    _check_dead_letters(sent, "examples", _BAD_EXAMPLES[kind], [list(_BAD_EXAMPLES).index(kind)])


def test_there_are_no_other_dead_letters(sent: Sent) -> None:
    assert {topic: len(records) for topic, records in sent.dead_letters.items()} == {
        "clicks": 3 * len(_BAD),
        "purchases": 0,
        "catalog": 2 * len(_BAD_ITEMS),
        "examples": len(_BAD_EXAMPLES),
    }


def test_good_events_between_bad_ones_are_all_answered(sent: Sent) -> None:
    answers = [msgpack.unpackb(record.value)["event_id"] for record in sent.shop.read("recommendations")]
    assert answers == [f"good-{number}" for number in range(sent.good)]


def test_dead_letters_are_counted_by_topic(sent: Sent) -> None:
    families = text_string_to_metric_families(sent.worker.get("/metrics").body.decode())
    counted = {
        sample.labels["topic"]: sample.value
        for family in families
        for sample in family.samples
        if sample.name == "headrace_dead_letters_total"
    }
    assert counted == {
        sent.shop.topic("clicks"): 3 * len(_BAD),
        sent.shop.topic("catalog"): 2 * len(_BAD_ITEMS),
        sent.shop.topic("examples"): len(_BAD_EXAMPLES),
    }
