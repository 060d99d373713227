"""The publisher on a real Kafka."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import faust
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import MessageSizeTooLargeError
from faust.exceptions import NotReady
from faust.types import TP
from faust_worker import create_topic

from stream.broker import Broker
from stream.publisher import OffsetRange, Outgoing, Publisher
from stream.transport import FAUST_SETTINGS, chunks_url

MAX_BATCH = FAUST_SETTINGS["producer_max_batch_size"]
SECONDS = 60.0


@asynccontextmanager
async def publishing(broker: str) -> AsyncIterator[Publisher]:
    """A publisher on the started producer of an app that does nothing else."""
    app = faust.App("publisher", broker=chunks_url(f"kafka://{broker}"), **FAUST_SETTINGS)
    await app.producer.start()
    try:
        yield Publisher(app)
    finally:
        await app.producer.stop()


async def published(broker: str, tp: TP, count: int) -> list[Any]:
    """The partition's first records, which must come within a deadline."""
    reader = AIOKafkaConsumer(
        bootstrap_servers=broker, auto_offset_reset="earliest", max_partition_fetch_bytes=4 << 20
    )
    reader.assign([TopicPartition(*tp)])
    await reader.start()
    try:
        return [await asyncio.wait_for(reader.getone(), SECONDS) for _ in range(count)]
    finally:
        await reader.stop()


def test_records_arrive_in_order_as_they_are(broker: str, topic_prefix: str) -> None:
    outgoing = [
        Outgoing(b"u1", b"first", 1_700_000_000_000, (("dlq.error", b"why"), ("dlq.topic", b"clicks"))),
        Outgoing(b"u2", None, 1_700_000_000_001),
        Outgoing(None, b"", 1_700_000_000_000),
        Outgoing(b"u1", b"last", 5),
    ]

    async def scenario() -> None:
        tp = TP(f"{topic_prefix}out", 1)
        await create_topic(broker, tp.topic, 2)
        async with publishing(broker) as publisher:
            await (await publisher.publish(tp.topic, tp.partition, outgoing))
        records = await published(broker, tp, 4)
        assert [Outgoing(r.key, r.value, r.timestamp, r.headers) for r in records] == outgoing

    asyncio.run(scenario())


def test_more_than_a_batch_holds_is_split_and_stays_in_order(broker: str, topic_prefix: str) -> None:
    outgoing = [Outgoing(b"%d" % number, b"x" * (number % 700)) for number in range(8_000)]
    outgoing[1_000] = Outgoing(b"1000", b"y" * 2_000_000)  # beyond any batch, so in one of its own
    assert sum(len(record.value or b"") for record in outgoing) > 10 * MAX_BATCH

    async def scenario() -> None:
        tp = TP(f"{topic_prefix}out", 0)
        await create_topic(broker, tp.topic, 1, **{"max.message.bytes": str(4 << 20)})
        async with publishing(broker) as publisher:
            halves = outgoing[:4_000], outgoing[4_000:]
            confirmations = [await publisher.publish(tp.topic, tp.partition, half) for half in halves]
            await asyncio.gather(*confirmations)
        records = await published(broker, tp, 8_000)
        assert [(r.key, r.value) for r in records] == [(o.key, o.value) for o in outgoing]

    asyncio.run(scenario())


def test_a_refused_record_fails_the_confirmation_and_the_rest_arrives(broker: str, topic_prefix: str) -> None:
    async def scenario() -> None:
        tp = TP(f"{topic_prefix}out", 0)
        await create_topic(broker, tp.topic, 1, **{"max.message.bytes": "1000000"})
        async with publishing(broker) as publisher:
            outgoing = [Outgoing(b"a", b"1"), Outgoing(b"b", b"x" * 2_000_000), Outgoing(b"c", b"3")]
            confirmation = await publisher.publish(tp.topic, tp.partition, outgoing)
            with pytest.raises(MessageSizeTooLargeError):
                await confirmation
        assert [record.value for record in await published(broker, tp, 2)] == [b"1", b"3"]

    asyncio.run(scenario())


def test_batches_in_turn_say_where_in_the_log_they_lie(broker: str, topic_prefix: str) -> None:
    outgoing = [Outgoing(b"%d" % number, b"x" * 700) for number in range(1_000)]

    async def scenario() -> None:
        tp = TP(f"{topic_prefix}out", 0)
        await create_topic(broker, tp.topic, 1)
        async with publishing(broker) as publisher:
            first = await publisher.publish_in_turn(tp.topic, 0, outgoing[:1])
            await (await publisher.publish(tp.topic, 0, outgoing[:2]))
            rest = await publisher.publish_in_turn(tp.topic, 0, outgoing)
            assert await publisher.publish_in_turn(tp.topic, 0, []) == []
        assert first == [OffsetRange(0, 1)]
        assert len(rest) > 1
        assert [one.start for one in rest] == [3, *(one.stop for one in rest[:-1])]
        assert rest[-1].stop == 1_003
        assert len(await published(broker, tp, 1_003)) == 1_003

    asyncio.run(scenario())


def test_nothing_to_publish_is_confirmed(broker: str, topic_prefix: str) -> None:
    async def scenario() -> None:
        async with publishing(broker) as publisher:
            assert await (await publisher.publish(f"{topic_prefix}none", 0, [])) == []

    asyncio.run(scenario())


def test_a_stopped_producer_is_an_error(broker: str) -> None:
    async def scenario() -> None:
        async with publishing(broker) as publisher:
            pass
        with pytest.raises(NotReady):
            await publisher.publish("out", 0, [Outgoing(b"a", b"1")])

    asyncio.run(scenario())


def test_records_published_while_the_broker_is_away_arrive_when_it_is_back(tmp_path: Path) -> None:
    async def scenario(kafka: Broker) -> None:
        tp = TP("out", 0)
        await create_topic(kafka.address, tp.topic, 1)
        async with publishing(kafka.address) as publisher:
            await (await publisher.publish(tp.topic, 0, [Outgoing(None, b"0")]))
            await asyncio.to_thread(kafka.stop)
            away = [await publisher.publish(tp.topic, 0, [Outgoing(None, b"1"), Outgoing(None, b"2")])]
            _, pending = await asyncio.wait(away, timeout=1.0)
            assert pending
            await asyncio.to_thread(kafka.start)
            await asyncio.wait_for(away[0], SECONDS)
        assert [record.value for record in await published(kafka.address, tp, 3)] == [b"0", b"1", b"2"]

    with Broker(tmp_path) as kafka:
        asyncio.run(scenario(kafka))
