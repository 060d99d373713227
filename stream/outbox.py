"""The outbox: what a batch has to say on other topics, as bytes that survive a crash."""

from collections.abc import Iterable
from itertools import groupby
from operator import attrgetter
from typing import Final

import msgspec

from models.errors import InvalidRecord
from stream.chunks import RawRecord
from stream.publisher import Outgoing
from stream.topics import Topics

__all__ = ["OutboxRecord", "dead_letter", "sorted_by_destination"]

# Bytes of key and value: with the headers they fit into the 4 MiB that topics of dead letters allow.
_ROOM: Final = 7 * 2**19


class OutboxRecord(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A record on its way to a partition of a topic.

    Examples
    --------
    >>> record = OutboxRecord("recommendations", 3, b"ann", b"...")
    >>> OutboxRecord.from_bytes(record.to_bytes()) == record
    True
    """

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()

    def to_bytes(self) -> bytes:
        """Return the record as it is kept in the outbox."""
        return _encoder.encode(self)

    @staticmethod
    def from_bytes(raw: bytes) -> "OutboxRecord":
        """Return the record that `to_bytes` wrote."""
        return _decoder.decode(raw)


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(OutboxRecord)


def sorted_by_destination(
    records: Iterable[OutboxRecord],
) -> Iterable[tuple[tuple[str, int], list[Outgoing]]]:
    """Return the records for each topic and partition, in their order."""
    by_destination = attrgetter("topic", "partition")
    for destination, group in groupby(sorted(records, key=by_destination), key=by_destination):
        yield destination, [Outgoing(record.key, record.value, None, record.headers) for record in group]


def dead_letter(topic: str, partition: int, record: RawRecord, error: InvalidRecord) -> OutboxRecord:
    """Return the record as it came, for the dead letters of its topic, with the reason in its headers.

    Of one beyond 3.5 MiB only so much is kept; ``dlq.truncated`` is the length its value had, in bytes.
    """
    key = None if record.key is None else record.key[:_ROOM]
    value = None if record.value is None else record.value[: _ROOM - len(key or b"")]
    headers = {
        "dlq.error": str(error),
        "dlq.topic": topic,
        "dlq.partition": str(partition),
        "dlq.offset": str(record.offset),
        "dlq.ts": str(record.timestamp),
    }
    if (key, value) != (record.key, record.value):
        headers["dlq.truncated"] = str(len(record.value or b""))
    encoded = tuple((name, text.encode()) for name, text in headers.items())
    return OutboxRecord(Topics.dead_letters(topic), partition, key, value, encoded)
