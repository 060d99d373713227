"""Letters: what a batch has to say on other topics, as bytes that survive a crash."""

from collections.abc import Iterable
from itertools import groupby
from operator import attrgetter

import msgspec

from models.errors import InvalidRecord
from stream.chunks import RawRecord
from stream.publisher import Outgoing
from stream.topics import Topics

__all__ = ["Letter", "dead_letter", "sorted_by_destination"]


class Letter(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A record on its way to a partition of a topic.

    Examples
    --------
    >>> letter = Letter("recommendations", 3, b"ann", b"...")
    >>> Letter.from_bytes(letter.to_bytes()) == letter
    True
    """

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()

    def to_bytes(self) -> bytes:
        """Return the letter as it is kept in the outbox."""
        return _encoder.encode(self)

    @staticmethod
    def from_bytes(raw: bytes) -> "Letter":
        """Return the letter that `to_bytes` wrote."""
        return _decoder.decode(raw)


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Letter)


def sorted_by_destination(letters: Iterable[Letter]) -> Iterable[tuple[tuple[str, int], list[Outgoing]]]:
    """Return the records for each topic and partition, in the order of the letters."""
    by_destination = attrgetter("topic", "partition")
    for destination, group in groupby(sorted(letters, key=by_destination), key=by_destination):
        yield destination, [Outgoing(letter.key, letter.value, None, letter.headers) for letter in group]


def dead_letter(topic: str, partition: int, record: RawRecord, error: InvalidRecord) -> Letter:
    """Return the record as it came, for the dead letters of its topic, with the reason in its headers."""
    headers = {
        "dlq.error": str(error),
        "dlq.topic": topic,
        "dlq.partition": str(partition),
        "dlq.offset": str(record.offset),
        "dlq.ts": str(record.timestamp),
    }
    encoded = tuple((name, text.encode()) for name, text in headers.items())
    return Letter(Topics.dead_letters(topic), partition, record.key, record.value, encoded)
