"""One checkpoint as a file: a header, then raw little-endian columns, each with its checksum.

    magic, 8 bytes | format, uint32 | length of the header, uint32 | XXH3-128 of these and the header
    header, msgpack | the sections, in the header's order

These first 32 bytes and what they mean are the same in every format, so that a flipped bit is told from a
file of another version.
"""

import os
import struct
from io import BufferedReader
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgpack
import msgspec
import numpy as np
import numpy.typing as npt
import xxhash

from models.batch import Longs
from models.checkpoint_header import Header, Mark, Section
from models.errors import ModelError
from models.snapshot import Rows, Snapshot

__all__ = ["CheckpointBroken", "CheckpointForeign", "Packed", "SnapshotUneven", "pack", "read", "read_header"]

_MAGIC: Final = b"headrace"
_FORMAT: Final = 4
_START: Final = struct.Struct("<8sII")
_DIGEST_BYTES: Final = 16
_COLUMN: Final = "column "
# Names that are told at once: between runs Python lets the live path go on.
_RUN: Final = 10_000
_NO_LENGTHS: Final = np.empty(0, np.int64)
_STORED_KINDS: Final = "biuf"  # numpy's letters of truth values, integers and floats

Array = npt.NDArray[Any]


class CheckpointBroken(ModelError, ValueError):
    """A file that is cut short, damaged, or no checkpoint at all; the message says what is wrong with it."""


class CheckpointForeign(ModelError):
    """A whole checkpoint in a format that this version does not know."""

    def __init__(self, path: Path, found: int) -> None:
        super().__init__(path, found)
        self.path = path
        self.found = found

    def __str__(self) -> str:
        return (
            f"{self.path} has checkpoint format {self.found}, this version reads format {_FORMAT}: "
            "start the version that wrote it, or move its folder away and let the model be rebuilt from Kafka"
        )


class SnapshotUneven(ModelError, ValueError):
    """Columns that do not fit together, or do not fit those of the snapshot before."""


class Packed(NamedTuple):
    """A file to be written."""

    header: Header
    pieces: list[bytes | memoryview]


def pack(snapshot: Snapshot, base: Mark | None, written: int, mark: Mark | None = None) -> Packed:
    """Return a snapshot as a file; ``mark`` is given where the state has one already.

    Raises
    ------
    SnapshotUneven
        If the columns do not fit together or hold anything but truth values, integers and floats.
    """
    _check(snapshot)
    arrays = {name: _stored(name, array) for name, array in _arrays(snapshot).items()}
    raw = {name: array.reshape(-1).view(np.uint8).data for name, array in arrays.items()}
    sections = tuple(
        Section(name, array.dtype.str, array.shape, xxhash.xxh3_128_digest(raw[name]))
        for name, array in arrays.items()
    )
    lineage = b"".join([base.digest if base else b"", *(section.digest for section in sections)])
    header = Header(
        mark=mark or Mark(snapshot.version, xxhash.xxh3_128_digest(lineage)),
        base=base,
        written=written,
        sections=sections,
    )
    encoded = msgspec.msgpack.encode(header)
    start = _START.pack(_MAGIC, _FORMAT, len(encoded))
    return Packed(header, [start, xxhash.xxh3_128_digest(start + encoded), encoded, *raw.values()])


def read_header(path: Path) -> Header:
    """Return what a file says of itself, once it is known to be as long as it says.

    Raises
    ------
    CheckpointBroken
        If it is damaged, as far as that shows without its sections.
    CheckpointForeign
        If it is of another format.
    OSError
        If it cannot be read.
    """
    with path.open("rb") as file:
        return _header(path, file)


def read(path: Path) -> tuple[Header, Snapshot]:
    """Return what a file says of itself and what it holds, every byte checked; raises as `read_header`."""
    with path.open("rb") as file:
        header = _header(path, file)
        arrays = {section.name: _section(file, section) for section in header.sections}
    return header, _snapshot(header.mark.version, arrays)


def _header(path: Path, file: BufferedReader) -> Header:
    length = os.fstat(file.fileno()).st_size
    start = file.read(_START.size)
    if len(start) < _START.size:
        raise CheckpointBroken(f"cut short: {length} bytes")
    magic, form, size = _START.unpack(start)
    if magic != _MAGIC:
        raise CheckpointBroken(f"no checkpoint: begins with {magic!r}")
    digest, encoded = file.read(_DIGEST_BYTES), file.read(min(size, length))
    if xxhash.xxh3_128_digest(start + encoded) != digest:
        raise CheckpointBroken("its header is damaged")
    if form != _FORMAT:
        raise CheckpointForeign(path, form)
    header = msgspec.msgpack.decode(encoded, type=Header)
    whole = file.tell() + sum(section.size for section in header.sections)
    if length != whole:
        raise CheckpointBroken(f"{length:,} bytes where {whole:,} were written")
    if header.name != path.name:
        raise CheckpointBroken(f"is {header.name} under another name")
    return header


def _section(file: BufferedReader, section: Section) -> Array:
    raw = np.empty(section.size, np.uint8)
    file.readinto(raw.data)
    if xxhash.xxh3_128_digest(raw.data) != section.digest:
        raise CheckpointBroken(f"its section {section.name!r} is damaged")
    return raw.view(section.dtype).reshape(section.shape)


def _check(snapshot: Snapshot) -> None:
    count = len(snapshot.rows.key)
    lengths = {name: len(column) for name, column in snapshot.rows.columns.items()}
    wrong = {name: n for name, n in (lengths | {"names": len(snapshot.names)}).items() if n != count}
    if wrong:
        raise SnapshotUneven(f"{count} keys, but lengths of {wrong}")


def _stored(name: str, array: Array) -> Array:
    if array.dtype.kind not in _STORED_KINDS:
        raise SnapshotUneven(f"{name} is of dtype {array.dtype}; only truth values and numbers are stored")
    return np.ascontiguousarray(array, array.dtype.newbyteorder("<"))


def _arrays(snapshot: Snapshot) -> dict[str, Array]:
    names, lengths = _spelt(snapshot.names)
    return {
        "dense": np.frombuffer(msgpack.packb(snapshot.dense), np.uint8),
        "key": snapshot.rows.key,
        **{_COLUMN + name: column for name, column in snapshot.rows.columns.items()},
        "removed": snapshot.removed,
        "names": np.frombuffer(names, np.uint8),
        "name lengths": lengths,
    }


def _spelt(names: list[str]) -> tuple[bytes, Longs]:
    """Return names as one, and the length of each in characters: they are decoded at once, and cut."""
    runs = [names[start : start + _RUN] for start in range(0, len(names), _RUN)]
    lengths = [np.array([len(name) for name in run], np.int64) for run in runs]
    return b"".join("".join(run).encode() for run in runs), np.concatenate([_NO_LENGTHS, *lengths])


def _snapshot(version: int, arrays: dict[str, Array]) -> Snapshot:
    columns = {
        name.removeprefix(_COLUMN): array for name, array in arrays.items() if name.startswith(_COLUMN)
    }
    ends = np.cumsum(arrays["name lengths"]).tolist()
    names = arrays["names"].tobytes().decode()
    return Snapshot(
        version=version,
        dense=msgpack.unpackb(arrays["dense"].tobytes(), strict_map_key=False),
        rows=Rows(arrays["key"], columns),
        removed=arrays["removed"],
        names=[names[start:end] for start, end in zip([0, *ends], ends, strict=False)],
    )
