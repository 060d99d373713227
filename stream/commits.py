"""What one write of the profile store has to publish, and how it is kept until that is confirmed."""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import msgspec

from models.profile import Profiles
from models.seen import blocks_to_bytes
from stream.store_keys import BLOCKS, PROFILE, user_key

__all__ = ["Commit", "Pending", "changes_of"]


class Commit(NamedTuple):
    """New values by name, for the changelog, and outbox records, byte for byte.

    ``tickets`` are the numbers under which the store keeps it until it is confirmed.

    Examples
    --------
    >>> first, second = Commit([1], {b"a": b"1", b"b": b"1"}, [b"x"]), Commit([2], {b"b": b"2"}, [b"y"])
    >>> Commit.join([first, second])
    Commit(tickets=[1, 2], changes={b'a': b'1', b'b': b'2'}, outbox=[b'x', b'y'])
    """

    tickets: list[int]
    changes: dict[bytes, bytes | None]
    outbox: list[bytes]

    @classmethod
    def join(cls, commits: Iterable["Commit"]) -> "Commit":
        """Return commits that follow one another as one: the last value of each name, and all records."""
        whole = cls([], {}, [])
        for commit in commits:
            whole.tickets.extend(commit.tickets)
            whole.changes.update(commit.changes)
            whole.outbox.extend(commit.outbox)
        return whole


class Pending(msgspec.Struct, frozen=True, array_like=True):
    """A commit as it lies in the store: the names it changed, without their values."""

    names: list[bytes]
    outbox: list[bytes]

    @classmethod
    def of(cls, changes: Mapping[bytes, bytes | None], outbox: list[bytes]) -> "Pending":
        """Return what is kept of a commit."""
        return cls(list(changes), outbox)

    def to_bytes(self) -> bytes:
        """Return the stored form."""
        return _encoder.encode(self)

    @staticmethod
    def from_bytes(raw: bytes) -> "Pending":
        """Return what `to_bytes` wrote."""
        return _decoder.decode(raw)


_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(Pending)


def changes_of(profiles: Profiles) -> dict[bytes, bytes | None]:
    """Return the new values of the profiles and blocks that changed, by name."""
    users, rows = profiles.users, profiles.touched.nonzero()[0]
    packed = profiles.to_rows(slice(None) if len(rows) == len(users) else rows)
    names = [user_key(PROFILE, users[row]) for row in rows.tolist()]
    blocks = {
        user_key(BLOCKS, users[row]): blocks_to_bytes(profiles.blocks[row])
        for row in sorted(profiles.new_blocks)
    }
    return {**dict(zip(names, packed, strict=True)), **blocks}
