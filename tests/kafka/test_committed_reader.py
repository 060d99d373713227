"""Following a log on a real Kafka: what was committed when its end was asked for is read up to that end."""

import asyncio
from collections.abc import Iterable

from faust.types import TP
from faust_worker import create_topic

from models.record_block import RecordBlock
from stream.model_topic import CommittedReader, Transactions

_WAIT_SECONDS = 60.0


def blocks(*values: bytes) -> Iterable[RecordBlock]:
    return [RecordBlock.of(b"key", value) for value in values]


async def buffered(reader: CommittedReader) -> None:
    """Wait until something was fetched that nobody has asked for yet."""
    while reader._consumer.last_stable_offset(reader._tp) is None:  # noqa: ASYNC110 - it has no event
        await asyncio.sleep(0.01)


def test_what_is_committed_after_a_fetch_and_before_the_end_was_asked_for_is_read(
    broker: str, topic_prefix: str
) -> None:
    async def scenario() -> None:
        tp, client = TP(f"{topic_prefix}log", 0), {"bootstrap_servers": broker}
        await create_topic(broker, tp.topic, 1)
        writer, successor = (Transactions(client, f"{topic_prefix}writer") for _ in range(2))
        reader = CommittedReader(client, tp, lambda: "log")
        await writer.start()
        await writer.write([(tp.topic, blocks(b"first"))])
        await reader.start(0)
        await buffered(reader)
        await writer.write([(tp.topic, blocks(b"second"))])
        await successor.start()  # which waits until what was committed is there to be read
        end, found = await reader.end(), list[bytes | None]()
        while not await reader.is_at(end):
            found += [record.value for record in await reader.poll()]
        for one in (reader, writer, successor):
            await one.stop()
        assert found == [b"first", b"second"]

    asyncio.run(asyncio.wait_for(scenario(), _WAIT_SECONDS))
