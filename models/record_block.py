"""Keyed records of equal sizes by the thousand, as rows of bytes: what is made and sent without a loop."""

from collections.abc import Iterable
from typing import NamedTuple, Self

import numpy as np

from models.batch import Bytes

__all__ = ["RecordBlock", "records_of"]


class RecordBlock(NamedTuple):
    """n records whose keys have one size and whose values have one size; without values they are tombstones.

    Examples
    --------
    >>> block = RecordBlock.of(b"key", b"value")
    >>> block.key.shape, records_of([block])
    ((1, 3), {b'key': b'value'})
    """

    key: Bytes  # uint8[n, K]
    value: Bytes | None  # uint8[n, V]

    @classmethod
    def of(cls, key: bytes, value: bytes) -> Self:
        """Return a block of one record."""
        return cls(np.frombuffer(key, np.uint8)[np.newaxis], np.frombuffer(value, np.uint8)[np.newaxis])


def records_of(blocks: Iterable[RecordBlock]) -> dict[bytes, bytes | None]:
    """Return the value of each key, None for a tombstone; a later record of a key stands for the earlier."""
    return {key: value for block in blocks for key, value in _records(block)}


def _records(block: RecordBlock) -> Iterable[tuple[bytes, bytes | None]]:
    keys = [row.tobytes() for row in block.key]
    if block.value is None:
        return [(key, None) for key in keys]
    return zip(keys, (row.tobytes() for row in block.value), strict=True)
