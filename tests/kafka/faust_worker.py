"""A Faust app in this process that reads one topic in chunks, and what tests do around it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic
from typing import Self

import faust
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from faust.types import TP, StreamT

from stream.chunks import Chunk
from stream.consumer import ChunkConsumer
from stream.transport import FAUST_SETTINGS, chunk_topic, chunks_url, consumer

DEADLINE = 60.0  # seconds


async def until(condition: Callable[[], bool], what: str, seconds: float = DEADLINE) -> None:
    """Wait for a condition, looking every 10 ms."""
    end = monotonic() + seconds
    while not condition():
        assert monotonic() < end, f"not within {seconds} s: {what}"
        await asyncio.sleep(0.01)


async def create_topic(broker: str, name: str, partitions: int, **config: str) -> None:
    async with _admin(broker) as admin:
        await admin.create_topics([NewTopic(name, partitions, 1, topic_configs=config)])


async def delete_records(broker: str, tp: TP, before: int) -> None:
    async with _admin(broker) as admin:
        await admin.delete_records({TopicPartition(*tp): RecordsToDelete(before_offset=before)})


@asynccontextmanager
async def _admin(broker: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=broker)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


async def produce(broker: str, tp: TP, values: Iterable[bytes]) -> None:
    """Publish the values to one partition, in order, and wait until the broker has them."""
    producer = AIOKafkaProducer(bootstrap_servers=broker, max_batch_size=262_144)
    await producer.start()
    try:
        await asyncio.gather(
            *[await producer.send(tp.topic, value, partition=tp.partition) for value in values]
        )
    finally:
        await producer.stop()


async def committed(broker: str, group: str, tp: TP) -> int | None:
    reader = AIOKafkaConsumer(bootstrap_servers=broker, group_id=group, enable_auto_commit=False)
    await reader.start()
    try:
        offset: int | None = await reader.committed(TopicPartition(*tp))
    finally:
        await reader.stop()
    return offset


class Worker:
    """An app whose agent keeps the chunks it receives, and acknowledges them if told so.

    ``gate`` closed keeps the agent from taking a chunk.
    """

    def __init__(self, broker: str, topic: str, data: Path, *, group: str = "", member: str = "a") -> None:
        self.group = group or f"{topic}-group"
        settings = {**FAUST_SETTINGS, "topic_disable_leader": True, "web_enabled": False}
        self.app = faust.App(
            self.group,
            broker=chunks_url(f"kafka://{broker}"),
            datadir=str(data / member),
            consumer_group_instance_id=f"{self.group}-{member}",
            **settings,
        )
        self.chunks: list[Chunk] = []
        self.acknowledging = True
        self.gate = asyncio.Event()
        self.gate.set()
        self.app.agent(chunk_topic(self.app, topic))(self._observe)

    async def _observe(self, stream: StreamT) -> None:
        async for chunk in stream:
            await self.gate.wait()
            self.chunks.append(chunk)
            if self.acknowledging:
                self.consumer.acknowledge(chunk)

    def take_singles(self, topic: str) -> list[bytes]:
        """Read another topic as Faust does, record by record, into the list returned."""
        seen: list[bytes] = []

        async def take(stream: StreamT) -> None:
            async for value in stream:
                seen.append(value)  # noqa: PERF401 (the list is read while the stream goes on)

        self.app.agent(self.app.topic(topic, value_type=bytes, value_serializer="raw"), name=topic)(take)
        return seen

    @property
    def consumer(self) -> ChunkConsumer:
        return consumer(self.app)

    def offsets(self, tp: TP) -> list[int]:
        """The offsets received of a partition, in the order of their arrival."""
        return [record.offset for chunk in self.chunks if chunk.tp == tp for record in chunk.records]

    def values(self, tp: TP) -> list[bytes | None]:
        return [record.value for chunk in self.chunks if chunk.tp == tp for record in chunk.records]

    async def has(self, tp: TP, count: int) -> None:
        """Wait for so many records of a partition."""
        await until(lambda: len(self.offsets(tp)) >= count, f"{count} records of {tp}")

    async def __aenter__(self) -> Self:
        self.app.conf.datadir.parent.mkdir(parents=True, exist_ok=True)
        await self.app.start()
        await until(lambda: self.ready, "ready after the first rebalance")
        return self

    @property
    def ready(self) -> bool:
        return not self.app.rebalancing and self.consumer.flow_active and self.app.flow_control.is_active()

    async def __aexit__(self, *_: object) -> None:
        self.gate.set()
        await self.app.stop()
