"""Laws of the outbox: what a batch has to say survives as bytes, and keeps its order."""

import msgpack
import pytest
from arriving import BAD, NOW, chunk
from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from models.codec import EVENTS
from models.errors import InvalidRecord
from stream.outbox import OutboxRecord, dead_letter, sorted_by_destination

ROOM = 3_670_016  # bytes, 3.5 MiB

records = st.builds(
    OutboxRecord,
    topic=st.sampled_from(("recommendations", "examples", "clicks.dlq")),
    partition=st.integers(0, 3),
    key=st.none() | st.binary(max_size=9),
    value=st.none() | st.binary(max_size=9),
    headers=st.lists(st.tuples(st.text(max_size=5), st.binary(max_size=5)), max_size=2).map(tuple),
)


def dead(key: bytes, value: bytes) -> OutboxRecord:
    record = chunk(TP("clicks", 0), 0, [BAD]).records[0]
    record.key, record.value = key, value  # type: ignore[misc]
    return dead_letter("clicks", 0, record, InvalidRecord("value", None, "must be a map"))


@given(records)
def test_a_record_survives_as_bytes(record: OutboxRecord) -> None:
    assert OutboxRecord.from_bytes(record.to_bytes()) == record


@given(st.lists(records, max_size=30))
def test_each_destination_gets_its_records_in_order_and_once(sent: list[OutboxRecord]) -> None:
    found = list(sorted_by_destination(sent))
    destinations = [destination for destination, _ in found]
    assert sorted(destinations) == sorted({(record.topic, record.partition) for record in sent})
    for destination, records in found:
        expected = [record for record in sent if (record.topic, record.partition) == destination]
        assert [(r.key, r.value, r.headers) for r in records] == [
            (e.key, e.value, e.headers) for e in expected
        ]


def test_a_dead_letter_is_the_record_as_it_came_and_says_why_and_whence() -> None:
    record = chunk(TP("shop-clicks", 2), 41, [BAD]).records[0]
    letter = dead_letter("shop-clicks", 2, record, InvalidRecord("ts", -5, "must be positive"))
    assert (letter.topic, letter.partition) == ("shop-clicks.dlq", 2)
    assert (letter.key, letter.value) == (b"ann", b"garbage")
    assert dict(letter.headers) == {
        "dlq.error": b"ts: must be positive (got -5)",
        "dlq.topic": b"shop-clicks",
        "dlq.partition": b"2",
        "dlq.offset": b"41",
        "dlq.ts": str(NOW + 41).encode(),
    }


def test_a_null_and_a_missing_key_stay_what_they_are() -> None:
    record = chunk(TP("clicks", 0), 0, [BAD]).records[0]
    record.key = record.value = None  # type: ignore[misc]
    letter = dead_letter("clicks", 0, record, InvalidRecord("value", None, "must not be null"))
    assert (OutboxRecord.from_bytes(letter.to_bytes()).key, letter.value) == (None, None)


@pytest.mark.parametrize(("key", "value"), [(3, ROOM - 3), (ROOM, 0)])
def test_a_dead_letter_of_three_and_a_half_mebibytes_is_whole(key: int, value: int) -> None:
    letter = dead(b"k" * key, b"v" * value)
    assert (letter.key, letter.value) == (b"k" * key, b"v" * value)
    assert "dlq.truncated" not in dict(letter.headers)


@pytest.mark.parametrize(("key", "value"), [(3, ROOM - 2), (3, 5 * 2**20), (ROOM + 1, 7), (ROOM, 1)])
def test_a_larger_dead_letter_is_cut_so_that_its_topic_takes_it_and_says_how_long_it_was(
    key: int, value: int
) -> None:
    letter = dead(b"k" * key, b"v" * value)
    assert len(letter.key or b"") + len(letter.value or b"") == ROOM
    assert dict(letter.headers)["dlq.truncated"] == str(value).encode()


def test_the_reason_stays_short_whatever_the_value_is() -> None:
    for fields in ({"event": "x" * 400_000}, {"user_id": [[[[]]]] * 50_000}, {"event_id": "ж" * 100_000}):
        record = chunk(TP("clicks", 0), 0, [BAD]).records[0]
        try:
            EVENTS.decode(msgpack.packb(fields), b"ann", NOW)
        except InvalidRecord as error:
            headers = dict(dead_letter("clicks", 0, record, error).headers)
        assert len(headers["dlq.error"]) < 1_000
