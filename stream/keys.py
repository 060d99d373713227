"""Which partition a key belongs to."""

from typing import Final

from aiokafka.partitioner import murmur2

__all__ = ["partition_of"]

_POSITIVE: Final = 0x7FFFFFFF


def partition_of(key: bytes, partitions: int) -> int:
    """Return the partition that Kafka's own clients put a key into.

    Examples
    --------
    >>> [partition_of(user, 4) for user in (b"ann", b"bob", b"eve")]
    [2, 2, 0]
    """
    return int(murmur2(key) & _POSITIVE) % partitions
