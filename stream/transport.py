"""The Faust transport ``chunks://``: Kafka as ever, but some topics arrive in chunks.

Importing this module registers it. An app takes it by its broker URL and declares its topics:

    app = faust.App("shop", broker=chunks_url("kafka://127.0.0.1:9092"), **FAUST_SETTINGS)
    clicks = chunk_topic(app, "clicks", partitions=4)

    @app.agent(clicks)
    async def observe(stream):
        async for chunk in stream:
            ...
            consumer(app).acknowledge(chunk)
"""

from collections.abc import Mapping
from typing import Any, Final, cast

import faust
from faust.transport.drivers import TRANSPORTS
from faust.transport.drivers.aiokafka import Transport
from faust.types import AppT, Message, TopicT

from stream.chunks import Chunk
from stream.consumer import ChunkConsumer
from stream.plan import NextOffsets, ReadPlan
from stream.tables import PromptTables

__all__ = ["FAUST_SETTINGS", "ChunkTransport", "chunk_topic", "chunks_url", "consumer", "seek_by"]

# What held under kill -9, rebalances and load (worker settings of Faust 0.15.3).
FAUST_SETTINGS: Final[Mapping[str, Any]] = {
    # Small keyed records come in bursts of one batch: let them gather for 5 ms, in requests of 256 KiB.
    "producer_linger": 0.005,
    "producer_max_batch_size": 262_144,
    # A dead letter carries a record of up to 2 MB, which its own topic must allow as well.
    "producer_max_request_size": 4 * 1024 * 1024,
    # Chunks a topic, each of up to 1,000 records; Faust's 4,096 would be gigabytes.
    "stream_buffer_maxsize": 64,
    # With acknowledgement by hand Faust would wait for ever for chunks that nobody finishes any more.
    "stream_wait_empty": False,
    # With a group instance id these find a dead worker in 10 s and spare a restarted one its rebalance.
    "broker_session_timeout": 10.0,
    "broker_heartbeat_interval": 3.0,
    # So soon it is noticed that a topic was deleted, or recreated.
    "consumer_metadata_max_age_ms": 10_000,
    # The log is the training set: a new worker group starts at its beginning.
    "consumer_auto_offset_reset": "earliest",
    # A user's profile has one owner, rebuilt from its changelog; `TogetherAssignor` keeps users together.
    "table_standby_replicas": 0,
    "TableManager": PromptTables,
}


class ChunkTransport(Transport):
    """Kafka by aiokafka, with `ChunkConsumer` as the consumer and the app's `ReadPlan`."""

    Consumer = ChunkConsumer

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.plan = ReadPlan()


class ChunkSchema(faust.Schema[None, Chunk]):
    """Passes a chunk on as it is: its records stay raw, and are parsed by the agent in one go."""

    def loads_key(self, app: AppT, message: Message, **_: Any) -> None:
        """Return nothing: each record of a chunk has its own key."""

    def loads_value(self, app: AppT, message: Message, **_: Any) -> Chunk:  # noqa: ARG002 (likewise)
        """Return the chunk that the consumer put into the message."""
        return cast("Chunk", message.value)


TRANSPORTS.aliases["chunks"] = f"{__name__}:{ChunkTransport.__name__}"


def chunks_url(broker: str) -> str:
    """Return a ``kafka://`` address, or several with ``;`` between, as one that this transport serves.

    Examples
    --------
    >>> chunks_url("kafka://127.0.0.1:9092")
    'chunks://127.0.0.1:9092'
    >>> chunks_url("kafka://a:9092;kafka://b:9092")
    'chunks://a:9092;chunks://b:9092'
    """
    hosts = (address.strip().removeprefix("kafka://") for address in broker.split(";"))
    return ";".join(f"chunks://{host}" for host in hosts)


def chunk_topic(app: AppT, *names: str, **options: Any) -> TopicT:
    """Declare topics whose agents receive `Chunk` values; ``options`` are those of ``app.topic``.

    Nothing but `ChunkConsumer.acknowledge` marks a chunk as handled, however the loop's body ends.
    """
    _plan(app).chunk_topics.update(names)
    return app.topic(*names, schema=ChunkSchema(), acks=False, **options)


def seek_by(app: AppT, next_offsets: NextOffsets) -> None:
    """Let ``next_offsets`` say where partitions are read from; see `ReadPlan`."""
    _plan(app).next_offsets = next_offsets


def consumer(app: AppT) -> ChunkConsumer:
    """Return the app's consumer, to acknowledge chunks and to hold partitions."""
    return cast("ChunkConsumer", app.consumer)


def _plan(app: AppT) -> ReadPlan:
    return cast("ChunkTransport", app.transport).plan
