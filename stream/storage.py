"""A worker's folder on disk: names and values by partition, written in atomic batches."""

import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from threading import Lock
from typing import Any, Final

from rocksdict import Rdict, WriteBatch

from stream.errors import StreamError
from stream.hot import HotValues
from stream.rocks import options, purging

__all__ = ["Changes", "Storage", "StorageUnusable"]

# New values by name; None deletes.
Changes = Mapping[bytes, bytes | None]

_FORMAT_KEY: Final = b"\xff\xff\xff\xffheadrace"
_FORMAT: Final = b"2"
_IDENTITY_KEY: Final = b"\xff\xff\xff\xffidentity"
_IDENTITY_BYTES: Final = 8
_COMPACTED_KEY: Final = b"\xff\xff\xff\xffcompacted"
# A partition's number that no topic reaches, for what belongs to none.
_NOTES: Final = 2**32 - 2
_MIB: Final = 2**20
# About 250,000 profiles of a dozen events each.
_HOT_BYTES: Final = 256 * _MIB


class StorageUnusable(StreamError):
    """The folder cannot be opened, or holds something else."""

    def __init__(self, folder: Path, reason: str) -> None:
        super().__init__(folder, reason)
        self.folder = folder
        self.reason = reason

    def __str__(self) -> str:
        return (
            f"{self.folder} cannot be used ({self.reason}): stop the worker that uses it, set another "
            "HEADRACE_DATA_DIR, or delete it and let it be rebuilt from Kafka"
        )


class Storage:
    """One rocksdb for all partitions of a worker; a key is the partition, 4 bytes big-endian, and a name.

    A write is with the operating system when `write` returns: it survives a killed process, and a power
    loss takes at most the last seconds, which the changelog in Kafka has.

    Attributes
    ----------
    identity
        Eight random bytes, drawn when the folder was made.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> folder = TemporaryDirectory()
    >>> storage = Storage(Path(folder.name) / "profiles")
    >>> storage.write(3, {b"ann": b"1", b"bob": b"2"})
    >>> storage.read(3, [b"bob", b"eve"]), list(storage.scan(3, b"a"))
    ([b'2', None], [(b'nn', b'1')])
    >>> storage.close(); folder.cleanup()
    """

    def __init__(self, folder: Path) -> None:
        folder.parent.mkdir(parents=True, exist_ok=True)
        self._db = _open(folder)
        self.identity = bytes(self._db.get(_IDENTITY_KEY) or b"")
        self._hot = HotValues(_HOT_BYTES)
        self._compacting = Lock()

    def read(self, partition: int, names: list[bytes]) -> list[bytes | None]:
        """Return the value of each name, None where there is none."""
        prefix = _prefix(partition)
        keys = [prefix + name for name in names]
        values = self._hot.find(keys)
        missing = [place for place, value in enumerate(values) if value is None]
        if missing:
            found: Any = self._db.get([keys[place] for place in missing])  # a list for a list
            for place, value in zip(missing, found, strict=True):
                values[place] = value
        return values

    def write(self, partition: int, changes: Changes, unread: Changes | None = None) -> None:
        """Write the changes, all or nothing; those of ``unread`` are not expected to be read soon."""
        batch, prefix = WriteBatch(raw_mode=True), _prefix(partition)
        keyed = {prefix + name: value for name, value in changes.items()}
        _fill(batch, keyed)
        _fill(batch, {prefix + name: value for name, value in (unread or {}).items()})
        self._db.write(batch)
        self._hot.update(keyed)

    def scan(self, partition: int, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Yield the rest of each name that starts so, in the order of bytes, and its value."""
        start = _prefix(partition) + prefix
        for key, value in self._db.items(from_key=start):
            if not isinstance(key, bytes) or not key.startswith(start):
                return
            yield key[len(start) :], value

    def drop(self, partition: int, left: Changes) -> None:
        """Delete everything of a partition but what is ``left``, all or nothing."""
        batch, prefix = WriteBatch(raw_mode=True), _prefix(partition)
        batch.delete_range(prefix, _prefix(partition + 1))
        _fill(batch, {prefix + name: value for name, value in left.items()})
        self._db.write(batch)
        self._hot.clear()

    def compact(self, partition: int) -> None:
        """Take what was deleted of a partition out of the files; about a second for 40 MB, in any thread."""
        with self._compacting:
            self._db.flush()  # the log of what was written goes with it
            self._db.compact_range(_prefix(partition), _prefix(partition + 1), purging())
            # What the list of files says of the old ones goes with the next change of it.
            self._db.put(_COMPACTED_KEY, b"")
            self._db.flush()

    def note(self, name: str) -> bytes | None:
        """Return what was noted under a name beside the partitions."""
        (value,) = self.read(_NOTES, [name.encode()])
        return value

    def keep_note(self, name: str, value: bytes) -> None:
        """Note a value under a name beside the partitions."""
        self.write(_NOTES, {name.encode(): value})

    def count_estimate(self) -> int:
        """Return about how many names there are; one just rewritten may count more than once."""
        return self._db.property_int_value("rocksdb.estimate-num-keys") or 0

    def close(self) -> None:
        """Close; another `Storage` may open the folder then.

        A compaction in another thread is broken off, and its folder left as a kill would leave it.
        """
        if self._compacting.locked():
            self._db.cancel_all_background(wait=False)  # rocksdict refuses to close
        else:
            self._db.close()


def _prefix(partition: int) -> bytes:
    return partition.to_bytes(4, "big")


def _fill(batch: WriteBatch, keyed: Changes) -> None:
    put, delete = batch.put, batch.delete
    for key, value in keyed.items():
        if value is None:
            delete(key)
        else:
            put(key, value)


def _open(folder: Path) -> Rdict:
    try:
        db = Rdict(str(folder), options())
    except Exception as error:  # rocksdict raises no narrower type
        raise StorageUnusable(folder, str(error)) from error
    fresh = next(iter(db.keys()), None) is None
    if fresh:
        db.put(_IDENTITY_KEY, secrets.token_bytes(_IDENTITY_BYTES))
        db.put(_FORMAT_KEY, _FORMAT)
    elif db.get(_FORMAT_KEY) != _FORMAT:
        found = db.get(_FORMAT_KEY)
        db.close()
        raise StorageUnusable(folder, f"its format is {found!r}, this version reads {_FORMAT!r}")
    return db
