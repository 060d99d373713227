"""The profiles of a worker's users on disk: a batch is one atomic write, with its source offsets and outbox.

`stream.store_keys` says what stands under which key.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import msgspec

from models.profile import Profiles
from models.seen import BLOCK, blocks_from_bytes
from stream.changelog_position import ChangelogPosition
from stream.commits import Commit, changes_of
from stream.erasure_markers import ErasureMarkers, has_markers
from stream.publisher import OffsetRange
from stream.source_offsets import SourceOffsets
from stream.storage import Changes, Storage
from stream.store_keys import BLOCKS, MARKER, POSITION, PROFILE, offset_changes, user_key
from stream.tickets import NO_TICKET, Tickets, unpurged_since

__all__ = ["ProfileStore"]

_NOTHING_KNOWN: Final = Profiles([""]).to_rows(slice(None))[0]

_encode = msgspec.msgpack.Encoder().encode
_POSITIONS: Final = msgspec.msgpack.Decoder(ChangelogPosition)


class ProfileStore:
    """Profiles, seen event ids, next source offsets and outboxes, by partition.

    Attributes
    ----------
    writer
        The id of this store, drawn when its folder was made: it stands in what it publishes.
    tickets
        Of the commits that are not confirmed, or not purged.
    source_offsets
        What is known of the source topics.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> folder = TemporaryDirectory()
    >>> store = ProfileStore(Path(folder.name) / "profiles")
    >>> commit = store.commit(0, store.load(0, ["ann"]), {"clicks": 17}, [b"hello"])
    >>> store.offsets(0), store.unconfirmed(0).outbox
    ({'clicks': 17}, [b'hello'])
    >>> store.confirm(0, commit.tickets, [])
    >>> store.unconfirmed(0).tickets
    []
    >>> store.close(); folder.cleanup()
    """

    def __init__(self, folder: Path) -> None:
        self._storage = Storage(folder)
        self.writer = self._storage.identity
        self.tickets = Tickets(self._storage)
        self.source_offsets = SourceOffsets(self._storage)
        # Of partitions that were asked for.
        self._positions: dict[int, ChangelogPosition] = {}
        self._markers: dict[int, ErasureMarkers] = {}

    def load(self, partition: int, users: Iterable[str]) -> Profiles:
        """Return the profiles of users, each once, in the order in which they are first named.

        Raises
        ------
        UnreadableProfile, UnreadableBlocks
            If what is stored is of another format or damaged.
        """
        names = list(dict.fromkeys(users))
        rows = self._storage.read(partition, [user_key(PROFILE, name) for name in names])
        profiles = Profiles.from_rows(names, [_NOTHING_KNOWN if row is None else row for row in rows])
        busy = (profiles.events >= BLOCK).nonzero()[0].tolist()
        blocks = self._storage.read(partition, [user_key(BLOCKS, names[row]) for row in busy])
        profiles.blocks = {row: blocks_from_bytes(raw or b"") for row, raw in zip(busy, blocks, strict=True)}
        return profiles

    def commit(
        self, partition: int, profiles: Profiles, offsets: Mapping[str, int], outbox: list[bytes]
    ) -> Commit:
        """Write what changed in the profiles, the next offset by topic and the outbox, all or nothing."""
        state, moved = changes_of(profiles), offset_changes(offsets)
        commit = Commit([self.tickets.draw(partition)], {**state, **moved}, outbox)
        self._storage.write(partition, state, {**moved, **self.tickets.entry(commit)})
        self.source_offsets.move(partition, offsets)
        return commit

    def erase(
        self, partition: int, changes: Changes, offsets: Mapping[str, int], outbox: list[bytes]
    ) -> Commit:
        """Write changes that erase users, and the rest as `commit` does; `Tickets.purge` purges them."""
        commit = Commit([self.tickets.draw(partition)], {**changes, **offset_changes(offsets)}, outbox)
        unpurged = unpurged_since(commit.tickets[0])
        self._write(partition, commit.changes, {**self.tickets.entry(commit), **unpurged})
        return commit

    def markers(self, partition: int) -> ErasureMarkers:
        """Return which users were erased."""
        if partition not in self._markers:
            self._markers[partition] = ErasureMarkers(self._storage.scan(partition, MARKER))
        return self._markers[partition]

    def claim(
        self, partition: int, changes: Changes, again: Iterable[bytes], position: ChangelogPosition
    ) -> Commit:
        """Enter that this store owns the partition and agrees so with its changelog, all or nothing.

        Return what is to be published, also by a restart: ``changes``, and ``again``, names as they are.
        """
        commit = Commit([self.tickets.draw(partition)], {**dict.fromkeys(again), **changes}, [])
        self._write(partition, changes, {**self.tickets.entry(commit), POSITION: _encode(position)})
        names = list(commit.changes)
        values = self._storage.read(partition, names)
        return commit._replace(changes=dict(zip(names, values, strict=True)))

    def confirm(self, partition: int, tickets: list[int], ranges: Iterable[OffsetRange]) -> None:
        """Drop the outbox of commits: the broker has its records, and in these ranges their changes."""
        position = self._positions[partition] = self.changelog_position(partition).confirmed(ranges)
        self._storage.write(partition, {}, {**self.tickets.without(tickets), POSITION: _encode(position)})

    def unconfirmed(self, partition: int) -> Commit:
        """Return all that was not confirmed as one commit: what a restart has to send again.

        The outbox is as it was; the changes are as they are now, so as new or newer.
        """
        found = list(self.tickets.unconfirmed(partition))
        names = list(dict.fromkeys(name for _, one in found for name in one.names))
        values = dict(zip(names, self._storage.read(partition, names), strict=True))
        outbox = [raw for _, one in found for raw in one.outbox]
        return Commit([ticket for ticket, _ in found], values, outbox)

    def offsets(self, partition: int) -> dict[str, int]:
        """Return the next source offset by topic, as of the last commit."""
        return self.source_offsets.offsets(partition)

    def changelog_position(self, partition: int) -> ChangelogPosition:
        """Return how far this copy and the changelog agree."""
        if partition not in self._positions:
            (raw,) = self._storage.read(partition, [POSITION])
            self._positions[partition] = _POSITIONS.decode(raw) if raw else ChangelogPosition()
        return self._positions[partition]

    def apply(self, partition: int, changes: Changes, position: ChangelogPosition) -> None:
        """Write the newest values of the partition's changelog, all or nothing."""
        # What a marker comes with may delete what lies in the files.
        unpurged = self.tickets.still_unpurged(partition) if has_markers(changes) else {}
        self._write(partition, changes, {**unpurged, POSITION: _encode(position)})

    def drop(self, partition: int) -> None:
        """Delete all that is stored of a partition; `Tickets.purge` purges it."""
        self._storage.drop(partition, unpurged_since(NO_TICKET))
        self._look_up_again(partition)
        self._markers.pop(partition, None)

    def dead_letters_sent_below(self, topic: str, partition: int) -> int:
        """Return the offset below which the dead letters of a topic that has no profiles are sent."""
        return int(self._storage.note(f"{topic}-{partition}") or b"0")

    def note_dead_letters_sent(self, topic: str, partition: int, offset: int) -> None:
        """Keep that offset, also where a partition is dropped."""
        self._storage.keep_note(f"{topic}-{partition}", str(offset).encode())

    def row_estimate(self) -> int:
        """Return about how many profiles there are; one just rewritten may count more than once."""
        return self._storage.count_estimate()

    def close(self) -> None:
        """Close the store; it can be opened again."""
        self._storage.close()

    def _write(self, partition: int, changes: Changes, kept: Changes) -> None:
        state = {key: value for key, value in changes.items() if key[:1] in (PROFILE, BLOCKS)}
        places = {name: value for name, value in changes.items() if name not in state}
        self._storage.write(partition, state, {**places, **kept})
        self._look_up_again(partition)
        if partition in self._markers:
            self._markers[partition].enter(changes)

    def _look_up_again(self, partition: int) -> None:
        self.source_offsets.look_up_again(partition)
        self._positions.pop(partition, None)
