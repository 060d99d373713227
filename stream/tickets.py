"""The numbers under which a store keeps its commits until the broker has confirmed them.

Beside them stands, by partition, the ticket of the last commit that deleted what still lies in the store's
files: `Tickets.unpurged`. What earlier commits had to say may tell of what it deleted, so the files are
purged once they are confirmed, too.
"""

import asyncio
import itertools
import secrets
from collections.abc import Iterable, Iterator
from typing import Final

from stream.commits import Commit, Pending
from stream.storage import Changes, Storage
from stream.store_keys import OUTBOX, UNPURGED

__all__ = ["NO_TICKET", "Tickets", "unpurged_since"]

NO_TICKET: Final = -1
_BYTES: Final = 8
# Two deletions never leave the same note.
_NONCE_BYTES: Final = 8


class Tickets:
    """Draws tickets, and tells which commits are not confirmed, and whose deletions not purged.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> folder = TemporaryDirectory()
    >>> storage = Storage(Path(folder.name) / "profiles")
    >>> tickets = Tickets(storage)
    >>> commit = Commit([tickets.draw(0)], {b"pann": None}, [])
    >>> storage.write(0, {}, {**tickets.entry(commit), **unpurged_since(0)})
    >>> [ticket for ticket, _ in tickets.unconfirmed(0)], tickets.unpurged(0), asyncio.run(tickets.purge(0))
    ([0], 0, False)
    >>> storage.write(0, {}, tickets.without([0]))
    >>> asyncio.run(tickets.purge(0)), tickets.unpurged(0)
    (True, None)
    >>> storage.close(); folder.cleanup()
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._next: dict[int, Iterator[int]] = {}

    def draw(self, partition: int) -> int:
        """Return the next ticket: above those of all commits that are not confirmed or not purged."""
        if partition not in self._next:
            known = [ticket for ticket, _ in self.unconfirmed(partition)]
            unpurged = self.unpurged(partition)
            known.append(NO_TICKET if unpurged is None else unpurged)
            self._next[partition] = itertools.count(max(known) + 1)
        return next(self._next[partition])

    @staticmethod
    def entry(commit: Commit) -> Changes:
        """Return what keeps a commit of one ticket."""
        (ticket,) = commit.tickets
        return {_name(ticket): Pending.of(commit.changes, commit.outbox).to_bytes()}

    @staticmethod
    def without(tickets: Iterable[int]) -> dict[bytes, bytes | None]:
        """Return what keeps these commits no longer."""
        return {_name(ticket): None for ticket in tickets}

    def unconfirmed(self, partition: int) -> Iterator[tuple[int, Pending]]:
        """Yield the commits that are kept, the oldest first."""
        for raw, kept in self._storage.scan(partition, OUTBOX):
            yield int.from_bytes(raw, "big"), Pending.from_bytes(kept)

    def unpurged(self, partition: int) -> int | None:
        """Return the ticket of the last commit whose deletions lie in the files, None where none do."""
        raw = self._note(partition)
        return None if raw is None else int(raw.split()[0])

    def still_unpurged(self, partition: int) -> dict[bytes, bytes | None]:
        """Return what notes that something is to be purged that no commit of this store has deleted."""
        unpurged = self.unpurged(partition)
        return unpurged_since(NO_TICKET if unpurged is None else unpurged)

    async def purge(self, partition: int) -> bool:
        """Take out of the files what was deleted, in a thread: a second for 40 MB.

        Return False where nothing was deleted, or a commit up to that one still waits.
        """
        ticket, note = self.unpurged(partition), self._note(partition)
        oldest = next(self.unconfirmed(partition), None)
        if ticket is None or (oldest is not None and oldest[0] <= ticket):
            return False
        await asyncio.to_thread(self._storage.compact, partition)
        if self._note(partition) == note:  # else more was deleted meanwhile
            self._storage.write(partition, {}, {UNPURGED: None})
        return True

    def _note(self, partition: int) -> bytes | None:
        (raw,) = self._storage.read(partition, [UNPURGED])
        return raw


def unpurged_since(ticket: int) -> dict[bytes, bytes | None]:
    """Return what notes that a commit deletes what has to be purged; `NO_TICKET` waits for no commit."""
    return {UNPURGED: f"{ticket} {secrets.token_hex(_NONCE_BYTES)}".encode()}


def _name(ticket: int) -> bytes:
    return OUTBOX + ticket.to_bytes(_BYTES, "big")
