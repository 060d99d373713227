"""The profiles of a worker's users on disk: a batch is one atomic write, with its source offsets and outbox.

| name | value |
| --- | --- |
| ``p`` user id | profile (``models.layout``) |
| ``b`` user id | blocks of older event keys (``models.seen``) |
| ``n`` topic | next source offset, decimal |
| ``o`` ticket | what a commit has to tell the broker and the broker has not confirmed |

The changelog of a partition holds the same names and values, but for ``o``.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from models.profile import Profiles
from models.seen import BLOCK, blocks_from_bytes, blocks_to_bytes
from stream.storage import Changes, Storage

__all__ = ["Commit", "ProfileStore"]

_TICKET_BYTES: Final = 8
_NOTHING_KNOWN: Final = Profiles([""]).to_rows(slice(None))[0]


class Commit(NamedTuple):
    """What one commit has to tell the broker: records of the changelog, then outputs, byte for byte."""

    ticket: int
    changelog: list[tuple[bytes, bytes | None]]
    outbox: list[bytes]


class _Pending(msgspec.Struct, frozen=True, array_like=True):
    """A commit as it lies in the outbox: the names it changed, not their values."""

    names: list[bytes]
    offsets: dict[str, int]
    outbox: list[bytes]


_encode = msgspec.msgpack.Encoder().encode
_PENDING: Final = msgspec.msgpack.Decoder(_Pending)


class ProfileStore:
    """Profiles, seen event ids, next source offsets and outboxes, by partition.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> folder = TemporaryDirectory()
    >>> store = ProfileStore(Path(folder.name) / "profiles")
    >>> commit = store.commit(0, store.load(0, ["ann"]), {"clicks": 17}, [b"hello"])
    >>> store.offsets(0), [pending.outbox for pending in store.unconfirmed(0)]
    ({'clicks': 17}, [[b'hello']])
    >>> store.confirm(0, commit.ticket)
    >>> store.unconfirmed(0)
    []
    >>> store.close(); folder.cleanup()
    """

    def __init__(self, folder: Path) -> None:
        self._storage = Storage(folder)
        self._tickets: dict[int, Iterator[int]] = {}
        self._offsets: dict[int, dict[str, int]] = {}  # of partitions that were asked for

    def load(self, partition: int, users: Iterable[str]) -> Profiles:
        """Return the profiles of users, each once, in the order in which they are first named.

        Raises
        ------
        UnreadableProfile, UnreadableBlocks
            If what is stored is of another format or damaged.
        """
        names = list(dict.fromkeys(users))
        rows = self._storage.read(partition, [b"p" + name.encode() for name in names])
        profiles = Profiles.from_rows(names, [_NOTHING_KNOWN if row is None else row for row in rows])
        busy = (profiles.events >= BLOCK).nonzero()[0].tolist()
        blocks = self._storage.read(partition, [b"b" + names[row].encode() for row in busy])
        profiles.blocks = {row: blocks_from_bytes(raw or b"") for row, raw in zip(busy, blocks, strict=True)}
        return profiles

    def commit(
        self, partition: int, profiles: Profiles, offsets: Mapping[str, int], outbox: list[bytes]
    ) -> Commit:
        """Write what changed in the profiles, the next offset by topic and the outbox, all or nothing."""
        state = _state(profiles)
        pending = _Pending(list(state), dict(offsets), outbox)
        ticket = self._next_ticket(partition)
        unread = {**_offsets(offsets), _ticket(ticket): _encode(pending)}
        self._storage.write(partition, state, unread)
        self._offsets.get(partition, {}).update(offsets)
        return Commit(ticket, [*state.items(), *_offsets(offsets).items()], outbox)

    def confirm(self, partition: int, ticket: int) -> None:
        """Drop a commit's outbox: the broker has its changelog and its outputs."""
        self._storage.write(partition, {}, {_ticket(ticket): None})

    def unconfirmed(self, partition: int) -> list[Commit]:
        """Return the commits that were not confirmed, oldest first: what a restart has to send again.

        The outboxes are as they were; the profiles are as they are now, so as new or newer.
        """
        return [self._commit(partition, ticket) for ticket in self._open_tickets(partition)]

    def offsets(self, partition: int) -> dict[str, int]:
        """Return the next source offset by topic, as of the last commit."""
        if partition not in self._offsets:
            # Only once: behind the offsets the scan steps over every ticket that was ever deleted.
            found = self._storage.scan(partition, b"n")
            self._offsets[partition] = {topic.decode(): int(offset) for topic, offset in found}
        return dict(self._offsets[partition])

    def apply_changelog(self, partition: int, changes: Changes) -> None:
        """Write the newest records of names of the partition's changelog, all or nothing."""
        self._storage.write(partition, changes)
        self._offsets.pop(partition, None)

    def drop(self, partition: int) -> None:
        """Delete all that is stored of a partition."""
        self._storage.drop(partition)
        self._offsets.pop(partition, None)

    def row_estimate(self) -> int:
        """Return about how many profiles there are; one just rewritten may count more than once."""
        return self._storage.count_estimate()

    def close(self) -> None:
        """Close the store; it can be opened again."""
        self._storage.close()

    def _open_tickets(self, partition: int) -> list[int]:
        return [int.from_bytes(raw, "big") for raw, _ in self._storage.scan(partition, b"o")]

    def _next_ticket(self, partition: int) -> int:
        if partition not in self._tickets:
            last = max(self._open_tickets(partition), default=-1)
            self._tickets[partition] = itertools.count(last + 1)
        return next(self._tickets[partition])

    def _commit(self, partition: int, ticket: int) -> Commit:
        (raw,) = self._storage.read(partition, [_ticket(ticket)])
        pending = _PENDING.decode(raw or b"")
        values = self._storage.read(partition, pending.names)
        state = zip(pending.names, values, strict=True)
        changelog = [*state, *_offsets(pending.offsets).items()]
        return Commit(ticket, changelog, pending.outbox)


def _state(profiles: Profiles) -> dict[bytes, bytes | None]:
    """Return the new values of the profiles and blocks that changed, by name."""
    users, rows = profiles.users, profiles.touched.nonzero()[0]
    packed = profiles.to_rows(slice(None) if len(rows) == len(users) else rows)
    names = [b"p" + users[row].encode() for row in rows.tolist()]
    blocks = {
        b"b" + users[row].encode(): blocks_to_bytes(profiles.blocks[row])
        for row in sorted(profiles.new_blocks)
    }
    return {**dict(zip(names, packed, strict=True)), **blocks}


def _offsets(offsets: Mapping[str, int]) -> dict[bytes, bytes]:
    return {b"n" + topic.encode(): str(offset).encode() for topic, offset in offsets.items()}


def _ticket(ticket: int) -> bytes:
    return b"o" + ticket.to_bytes(_TICKET_BYTES, "big")
