"""Laws of record batches that are made in one go: aiokafka's own reader and builder are the oracles."""

import asyncio
from typing import Any

import numpy as np
from aiokafka import TopicPartition
from aiokafka.producer.message_accumulator import BatchBuilder, MessageBatch
from aiokafka.record.default_records import DefaultRecordBatch
from hypothesis import given
from hypothesis import strategies as st

from models.record_block import RecordBlock, records_of
from stream.record_batch import RecordBatch, record_batches

NOW = 1_700_000_000_000
SENDER = {"producer_id": 7, "producer_epoch": 3, "base_sequence": 40}
LIMIT = 1 << 20


def block(count: int, value_bytes: int | None, first: int = 0) -> RecordBlock:
    """Return records whose keys are numbers, with values of so many bytes, or without."""
    key = np.arange(first, first + count).astype(">i8").view(np.uint8).reshape(count, 8)
    if value_bytes is None:
        return RecordBlock(key, None)
    return RecordBlock(key, np.full((count, value_bytes), 255 - first % 7, np.uint8))


def built(batch: RecordBatch) -> bytes:
    batch._set_producer_state(**SENDER)
    return bytes(batch._build())


def read(batch: RecordBatch) -> list[Any]:
    found = DefaultRecordBatch(built(batch))
    assert found.validate_crc()
    return list(found)


def appended(blocks: list[RecordBlock]) -> bytes:
    """Return the one batch that aiokafka makes of the records, one by one."""
    builder = BatchBuilder(LIMIT, 0, is_transactional=1)
    for one in blocks:
        for key, value in records_of([one]).items():
            assert builder.append(key=key, value=value, timestamp=NOW) is not None
    builder._set_producer_state(**SENDER)
    return bytes(builder._build())


@given(
    st.lists(
        st.tuples(st.integers(0, 70), st.none() | st.sampled_from([0, 1, 50, 63, 64, 130])),
        min_size=1,
        max_size=4,
    )
)
def test_a_batch_is_the_one_of_records_appended_one_by_one(runs: list[tuple[int, int | None]]) -> None:
    blocks = [block(count, size, 100 * number) for number, (count, size) in enumerate(runs)]
    batches = list(record_batches(blocks, LIMIT, NOW))
    if any(count for count, _ in runs):
        assert [built(batch) for batch in batches] == [appended(blocks)]
    else:
        assert batches == []


def test_offsets_of_every_length_are_those_of_aiokafka() -> None:
    blocks = [block(9_000, 3), block(20, None, 9_000)]
    (batch,) = record_batches(blocks, LIMIT, NOW)
    assert built(batch) == appended(blocks)
    assert [record.offset for record in read(batch)] == list(range(9_020))


@given(st.lists(st.integers(0, 300), min_size=1, max_size=6), st.integers(200, 2_000))
def test_records_stay_in_order_and_no_batch_of_several_is_beyond_the_limit(
    counts: list[int], limit: int
) -> None:
    blocks = [block(count, 50 + number, 1_000 * number) for number, count in enumerate(counts)]
    batches = list(record_batches(blocks, limit, NOW))
    found = [(record.key, record.value) for batch in batches for record in read(batch)]
    assert found == [record for one in blocks for record in records_of([one]).items()]
    assert all(len(built(batch)) <= limit for batch in batches)
    assert all(batch.record_count() == len(read(batch)) for batch in batches)


def test_a_batch_holds_as_many_as_the_limit_allows() -> None:
    (one,) = record_batches([block(1, 50)], LIMIT, NOW)
    limit = len(built(one)) + 2 * (len(built(one)) - 61)  # a batch's head has 61 bytes
    assert [batch.record_count() for batch in record_batches([block(7, 50)], limit, NOW)] == [3, 3, 1]


def test_a_record_beyond_the_limit_has_a_batch_of_its_own() -> None:
    batches = list(record_batches([block(2, 5), block(2, 500), block(1, 5)], 200, NOW))
    assert [batch.record_count() for batch in batches] == [2, 1, 1, 1]


def test_a_batch_that_is_sent_again_is_the_same() -> None:
    (batch,) = record_batches([block(3, 5)], LIMIT, NOW)
    assert built(batch) == bytes(batch._build())


async def sent(batch: RecordBatch | BatchBuilder) -> bytes:
    """Return what aiokafka's sender takes from a batch in its accumulator, by the same calls."""
    waiting = MessageBatch(TopicPartition("model", 0), batch, ttl=40, linger_time=0)
    assert not waiting.is_empty()
    assert waiting.remaining_linger() is None
    waiting.set_producer_state(**SENDER)
    waiting.drain_ready()
    assert waiting.record_count == 3
    return bytes(waiting.get_data_buffer())


def test_aiokafka_sends_it_as_it_sends_its_own() -> None:
    (batch,) = record_batches([block(3, 5)], LIMIT, NOW)
    own = BatchBuilder(LIMIT, 0, is_transactional=1)
    for key, value in records_of([block(3, 5)]).items():
        own.append(key=key, value=value, timestamp=NOW)
    own.close()
    assert asyncio.run(sent(batch)) == asyncio.run(sent(own))
