"""Laws of the chunk transport that need no Kafka, and what of its libraries it leans on."""

import hashlib
import inspect
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.producer.message_accumulator import BatchBuilder, MessageAccumulator
from aiokafka.producer.producer import AIOKafkaProducer
from faust.app.base import App
from faust.tables.recovery import Recovery
from faust.transport.conductor import Conductor
from faust.transport.consumer import Consumer
from faust.transport.drivers import TRANSPORTS
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread
from faust.types import TP
from faust.types.settings import Settings
from hypothesis import given
from hypothesis import strategies as st

from stream.chunks import MAX_CHUNK_RECORDS, Chunk, Ledger, split
from stream.transport import FAUST_SETTINGS, ChunkTransport, chunks_url

CLICKS, PURCHASES = TP("clicks", 0), TP("purchases", 0)


def chunks(ledger: Ledger, tp: TP, sizes: list[int], hole: int = 0) -> list[Chunk]:
    """Chunks of so many records that follow one another, with so many offsets missing between them."""
    taken, offset = [], 0
    for size in sizes:
        taken.append(ledger.take(tp, [SimpleNamespace(offset=offset + i) for i in range(size)]))
        offset += size + hole
    return taken


@given(
    st.lists(st.integers(1, 5), min_size=1, max_size=8).flatmap(
        lambda s: st.tuples(st.just(s), st.permutations(range(len(s))))
    ),
    st.integers(0, 3),
)
def test_the_committable_offset_is_the_end_of_the_acknowledged_prefix(
    plan: tuple[list[int], list[int]], hole: int
) -> None:
    sizes, order = plan
    ledger = Ledger()
    taken = chunks(ledger, CLICKS, sizes, hole)
    done: set[int] = set()
    for number in order:
        assert ledger.acknowledge(taken[number])
        done.add(number)
        prefix = next((i for i in range(len(taken)) if i not in done), len(taken))
        assert ledger.committable(CLICKS) == (taken[prefix - 1].next_offset if prefix else None)
        assert ledger.in_flight(CLICKS) == len(taken) - len(done)


def test_a_chunk_counts_once_however_often_it_is_acknowledged() -> None:
    ledger = Ledger()
    first, _, third = chunks(ledger, CLICKS, [2, 2, 2])
    assert [ledger.acknowledge(chunk) for chunk in (third, third, first, first)] == [True, False, True, False]
    assert ledger.committable(CLICKS) == 2
    assert ledger.in_flight(CLICKS) == 1


def test_partitions_are_independent() -> None:
    ledger = Ledger()
    chunks(ledger, CLICKS, [2])
    (other,) = chunks(ledger, PURCHASES, [3])
    ledger.acknowledge(other)
    assert (ledger.committable(CLICKS), ledger.committable(PURCHASES)) == (None, 3)
    assert set(ledger) == {CLICKS, PURCHASES}


@pytest.mark.parametrize(
    "again", [lambda ledger: ledger.start(CLICKS, None), lambda ledger: ledger.forget([CLICKS])]
)
def test_a_forgotten_chunk_does_nothing_even_if_the_same_records_came_again(
    again: Callable[[Ledger], None],
) -> None:
    ledger = Ledger()
    (stale,) = chunks(ledger, CLICKS, [4])
    again(ledger)
    (fresh,) = chunks(ledger, CLICKS, [4])
    assert not ledger.acknowledge(stale)
    assert ledger.committable(CLICKS) is None
    assert ledger.acknowledge(fresh)
    assert ledger.committable(CLICKS) == 4


def test_an_offset_known_at_the_start_of_a_reading_is_committable_at_once() -> None:
    ledger = Ledger()
    ledger.start(CLICKS, 70)
    assert ledger.committable(CLICKS) == 70


@given(st.lists(st.integers()), st.integers(1, 7))
def test_split_keeps_every_record_in_order(records: list[Any], size: int) -> None:
    runs = list(split(records, size))
    assert [record for run in runs for record in run] == records
    assert all(0 < len(run) <= size for run in runs)


def test_a_chunk_is_no_longer_than_a_thousand_records() -> None:
    assert [len(run) for run in split([SimpleNamespace(offset=0)] * 2_500)] == [1_000, 1_000, 500]
    assert MAX_CHUNK_RECORDS == 1_000


def test_the_scheme_leads_to_the_transport() -> None:
    assert TRANSPORTS.by_url(chunks_url("kafka://127.0.0.1:9092")) is ChunkTransport
    assert chunks_url("127.0.0.1:9092") == "chunks://127.0.0.1:9092"


def test_faust_knows_every_setting() -> None:
    assert FAUST_SETTINGS.keys() <= Settings.SETTINGS.keys()


# The first 12 digits of the SHA-256 of the source of what is replaced, called or relied upon. When one
# changes, read what changed, see that stream/consumer.py, stream/delivery.py, stream/fetching.py,
# stream/log_reader.py and stream/publisher.py still do what it does, and only then change the figure here.
PINNED: dict[Any, str] = {
    Consumer._drain_messages: "44a2500309e8",
    Consumer.getmany: "4b168d84882a",
    Consumer._wait_next_records: "6218e1969a63",
    Consumer.perform_seek: "0e8c130ff4b0",
    Consumer.on_partitions_revoked: "d04b7ae72c6f",
    Consumer.on_buffer_full: "c8961679e0bc",
    Consumer.on_buffer_drop: "4b57e8a418d5",
    Consumer.stop_flow: "cf7e875a2b0d",
    Consumer.resume_flow: "db59630f25b5",
    Consumer.force_commit: "cc094614d22c",
    Consumer._commit_tps: "a20e230b05ae",
    Consumer._filter_committable_offsets: "dc5e9baf5d99",
    Consumer._filter_tps_with_pending_acks: "f6f923977423",
    Consumer._new_offset: "1d2c7ea89a7a",
    Consumer._should_commit: "5ce941793947",
    Consumer.ack: "5fcf41cf4515",
    Consumer.on_stop: "45b1d2210ce2",
    AIOKafkaConsumerThread.on_start: "38b4e8bd1e10",
    AIOKafkaConsumerThread._fetch_records: "39a2c6c79fc1",
    AIOKafkaConsumerThread._seek_wait: "9d221e816d94",
    AIOKafkaConsumerThread.highwater: "6f7dbe109ae6",
    Recovery._resume_streams: "d986a6710c1a",
    Recovery.on_recovery_completed: "6ef567acf072",
    App._on_partitions_revoked: "d5c895bbe57d",
    App._stop_consumer: "55854a5de12c",
    Conductor._compile_message_handler: "9fbc0538097a",
    Fetcher.fetched_records: "be4348896b9b",
    Fetcher._get_actions_per_node: "1dab2cf937d1",
    Fetcher.seek_to: "f0ba6aba6c22",
    Fetcher._fetch_requests_routine: "2a8ec5932644",
    Fetcher.close: "1cd24bc1c442",
    GroupCoordinator._send_req: "fa4b12e914ce",
    GroupCoordinator._do_heartbeat: "dc1d6632aaa6",
    GroupCoordinator._lookup_assignor: "5b6704580d82",
    AIOKafkaConsumerThread._create_worker_consumer: "c2701bfc3e6f",
    AIOKafkaProducer.send_batch: "bf42b0f0c5c0",
    MessageAccumulator.add_batch: "5ed1c5b1367a",
    BatchBuilder.append: "657d76f55157",
}


@pytest.mark.parametrize("upstream", PINNED, ids=lambda function: function.__qualname__)
def test_what_the_transport_overrides_is_as_it_was_read(upstream: Any) -> None:
    assert _digest(upstream) == PINNED[upstream]


def _digest(function: Any) -> str:
    return hashlib.sha256(inspect.getsource(inspect.unwrap(function)).encode()).hexdigest()[:12]
