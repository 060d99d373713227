"""Kafka's record batches of thousands of records at once, where its clients append them one by one.

A record of equal-sized ones differs from the next in its key, its value and its offset alone, so a run of
them is a table of bytes. The form is Kafka's message format 2, uncompressed
(https://kafka.apache.org/documentation/#recordbatch).
"""

import struct
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

import numpy as np
from aiokafka.record.util import calc_crc32c

from models.batch import Bytes
from models.record_block import RecordBlock

__all__ = ["RecordBatch", "record_batches"]

# Base offset, length, leader epoch, magic, checksum; then what the checksum is of: attributes, last offset,
# first and last timestamp, producer's id and epoch, base sequence, number of records.
_HEAD: Final = struct.Struct(">qiibI")
_CHECKED: Final = struct.Struct(">hiqqqhii")
_HEAD_BYTES: Final = _HEAD.size + _CHECKED.size
# Offset and length themselves are not counted by the length.
_UNCOUNTED: Final = 12
_MAGIC: Final = 2
_NO_EPOCH: Final = -1
_IS_TRANSACTIONAL: Final = 0x10
_NULL: Final = -1
# Attributes, and how much later than the first record it is.
_BEGIN: Final = b"\0\0"
_NO_HEADERS: Final = b"\0"
# Of a varint's byte: seven bits of the number, and whether another byte follows.
_LOW: Final = 0x7F
_MORE: Final = 0x80
# Zigzag numbers of seven bits a byte: offsets within a batch take a byte more from each of these on.
_OFFSET_STEPS: Final = (2**6, 2**13, 2**20, 2**27)


class RecordBatch:
    """A batch of a transaction, ready but for who sends it: in the place of aiokafka's ``BatchBuilder``.

    aiokafka's public way, ``create_batch`` and ``append``, takes records one by one, 2.5 microseconds each
    on the event loop; nothing public takes bytes that are ready. The private methods here are those that
    aiokafka 0.14 calls, and ``tests/test_record_batch.py`` fails when it calls others.

    Parameters
    ----------
    runs
        Records as they lie in the batch, uint8[n, bytes of a record] each.
    count
        How many they are, at least 1.
    now
        The time of all of them, in milliseconds since the Unix epoch.
    """

    def __init__(self, runs: Iterable[Bytes], count: int, now: int) -> None:
        self._raw = bytearray().join([bytes(_HEAD_BYTES), *(run.data for run in runs)])
        self._count = count
        self._now = now
        self._sender = (_NO_EPOCH, _NO_EPOCH, 0)
        self._is_built = False

    def record_count(self) -> int:
        """Return how many records it has."""
        return self._count

    def closed(self) -> bool:
        """Say that nothing can be added."""
        return True

    def close(self) -> None:
        """Do nothing: it always is."""

    def _set_producer_state(self, producer_id: int, producer_epoch: int, base_sequence: int) -> None:
        self._sender = producer_id, producer_epoch, base_sequence

    def _build(self) -> bytearray:
        if not self._is_built:
            last, times = self._count - 1, (self._now, self._now)
            _CHECKED.pack_into(
                self._raw, _HEAD.size, _IS_TRANSACTIONAL, last, *times, *self._sender, self._count
            )
            checksum = calc_crc32c(memoryview(self._raw)[_HEAD.size :])
            _HEAD.pack_into(self._raw, 0, 0, len(self._raw) - _UNCOUNTED, _NO_EPOCH, _MAGIC, checksum)
            self._is_built = True
        return self._raw


def record_batches(blocks: Iterable[RecordBlock], limit: int, now: int) -> Iterator[RecordBatch]:
    """Yield the records, in order, in batches of at most ``limit`` bytes, or of one record.

    ``now`` is the time of all of them, in milliseconds since the Unix epoch.
    """
    runs: list[Bytes] = []
    count, room = 0, limit - _HEAD_BYTES
    for block in blocks:
        start = 0
        while start < len(block.key):
            frame = _Frame.of(block, count)
            fits = min(len(block.key) - start, frame.alike, max(room // frame.size, 0 if count else 1))
            if fits:
                runs.append(_run(block, slice(start, start + fits), frame))
                start, count, room = start + fits, count + fits, room - fits * frame.size
            else:
                yield RecordBatch(runs, count, now)
                runs, count, room = [], 0, limit - _HEAD_BYTES
    if count:
        yield RecordBatch(runs, count, now)


class _Frame(NamedTuple):
    """What is around key and value of a record, from an offset on: for the next ``alike`` it is as long."""

    offset: int  # within the batch
    alike: int
    size: int  # bytes of a whole record
    body: bytes  # its length but for the first bytes, which say so
    before_key: bytes
    before_value: bytes

    @classmethod
    def of(cls, block: RecordBlock, offset: int) -> "_Frame":
        key_bytes = block.key.shape[1]
        value_bytes = 0 if block.value is None else block.value.shape[1]
        before_key, before_value = _varint(key_bytes), _varint(_NULL if block.value is None else value_bytes)
        around = len(_BEGIN + _varint(offset) + before_key + before_value + _NO_HEADERS)
        body = _varint(around + key_bytes + value_bytes)
        size = len(body) + around + key_bytes + value_bytes
        step = next(step for step in _OFFSET_STEPS if step > offset)
        return cls(offset, step - offset, size, body, before_key, before_value)


def _run(block: RecordBlock, place: slice, frame: _Frame) -> Bytes:
    """Return records of a block as they lie in a batch, uint8[n, bytes of a record]."""
    key = block.key[place]
    value = key[:, :0] if block.value is None else block.value[place]
    offsets = _offsets(frame.offset, len(key))
    parts = (frame.body + _BEGIN, offsets, frame.before_key, key, frame.before_value, value, _NO_HEADERS)
    tables = [_same(part, len(key)) if isinstance(part, bytes) else part for part in parts]
    return np.hstack(tables)


def _same(raw: bytes, count: int) -> Bytes:
    return np.broadcast_to(np.frombuffer(raw, np.uint8), (count, len(raw)))


def _offsets(first: int, count: int) -> Bytes:
    """Return numbers that follow one another as varints, uint8[count, bytes], all as wide as the first."""
    width = len(_varint(first))
    shifts = 7 * np.arange(width)
    low = (2 * np.arange(first, first + count)[:, np.newaxis] >> shifts) & _LOW  # int64[count, bytes]
    return (low | np.where(shifts < shifts[-1], _MORE, 0)).astype(np.uint8)


def _varint(number: int) -> bytes:
    """Return a number as protobuf's signed varint: zigzag, seven bits a byte, the lowest first."""
    left, raw = (number << 1) ^ (number >> 63), bytearray()
    while left > _LOW:
        raw.append(left & _LOW | _MORE)
        left >>= 7
    raw.append(left)
    return bytes(raw)
