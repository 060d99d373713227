"""The decisions that were taken so far, as the decisions topic has them."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
from faust.types import TP

from models.events import Decision
from stream.log_reader import LogReader

__all__ = ["recent_decisions"]

# Of each partition, the last so many records are read.
_MOST: Final = 1_000
_decoder: Final = msgspec.msgpack.Decoder(Decision)


async def recent_decisions(client: Mapping[str, Any], tps: Iterable[TP], count: int) -> list[Decision]:
    """Return the last ``count`` decisions of a topic's partitions, the oldest first.

    Raises
    ------
    aiokafka.errors.KafkaError
        If the broker is away.
    """
    found: list[Decision] = []
    tps = list(tps)
    async with LogReader(client, tps) as reader:
        for tp, end in (await reader.ends(tps)).items():
            async for records in reader.read(tp, max(end - _MOST, 0), end):
                found += [_decoder.decode(record.value) for record in records]
    return sorted(found, key=lambda decision: decision.ts)[-count:]
