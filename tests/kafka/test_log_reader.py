"""Reading logs to their ends on a real Kafka."""

import asyncio

from faust.types import TP
from faust_worker import create_topic, produce

from stream.log_reader import LogReader

# Where the assignment changed from partition to partition, one of the first three ends never came.
_READERS = 10


def test_partitions_are_read_from_an_offset_to_an_end_and_the_reader_ends(
    broker: str, topic_prefix: str
) -> None:
    async def scenario() -> None:
        tps = [TP(f"{topic_prefix}log", partition) for partition in range(3)]
        await create_topic(broker, tps[0].topic, 3)
        await produce(broker, tps[1], [b"%d" % number for number in range(7_000)])
        for _ in range(_READERS):
            async with LogReader({"bootstrap_servers": broker}, tps) as reader:
                ends = await reader.ends(tps)
                assert ends == dict(zip(tps, [0, 7_000, 0], strict=True))
                found = [
                    record.value
                    for tp, end in [*ends.items(), (tps[1], 7_000)]
                    async for records in reader.read(tp, min(end, 40), min(end, 6_500))
                    for record in records
                ]
            assert found == [b"%d" % number for number in range(40, 6_500)] * 2

    asyncio.run(asyncio.wait_for(scenario(), 60))
