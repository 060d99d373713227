"""What records of the forget topic do: whom they erase, what of them, and what is said of it."""

from typing import Final, NamedTuple

import msgspec
import numpy as np

from models.codec import FORGETS, MAX_AHEAD_MS, encode
from models.errors import InvalidRecord
from models.events import Decision
from models.profile import Profiles
from models.timeline import time_of
from stream.chunks import Chunk, RawRecord
from stream.erasure_markers import Erased, ErasureMarkers, marker_of, user_digest
from stream.erasure_records import erasure_record
from stream.outbox import OutboxRecord, dead_letter
from stream.profiles import ProfileStore
from stream.store_keys import BLOCKS, PROFILE, user_key

__all__ = ["ErasureStamp", "Erasures", "Request"]

_REASON: Final = "the user asked to be forgotten"


class ErasureStamp(NamedTuple):
    """What the outbox records of erasures have in common; ``now`` is milliseconds since the Unix epoch."""

    examples: str  # full names of topics
    decisions: str
    now: int


class Request(NamedTuple):
    """A record of the forget topic: whom it names, and up to when, in milliseconds since the Unix epoch."""

    record: RawRecord
    user: str
    ts: int


class Removed(msgspec.Struct, frozen=True, kw_only=True):
    """What was known of a user, in numbers."""

    events: int = 0
    event_blocks: int = 0
    order_lines: int = 0
    served_items: int = 0

    @classmethod
    def of(cls, profiles: Profiles, row: int) -> "Removed":
        """Count what is in a profile."""
        return cls(
            events=int(profiles.events[row]),
            event_blocks=len(profiles.blocks.get(row, ())),
            order_lines=int(profiles.lines.filled[row]),
            served_items=int(np.count_nonzero(profiles.served[row])),
        )


def _read(record: RawRecord, now: int) -> Request | tuple[RawRecord, InvalidRecord]:
    try:
        asked = FORGETS.decode(record.value, record.key, now)
    except InvalidRecord as error:
        return record, error
    sent = min(record.timestamp, now + MAX_AHEAD_MS) if record.timestamp > 0 else now  # -1: it has none
    return Request(record, asked.user_id, asked.ts or sent)


class Erasures:
    """The erasures of one chunk, each after the one before it.

    Parameters
    ----------
    profiles
        Of all users who are to be erased.
    markers
        Who was erased before.
    chunk
        Whose records are given.
    stamp
        For the outbox records.

    Attributes
    ----------
    changes
        New values of the store, by name.
    outbox
        What is to be sent: to the learner, to whoever reads decisions, and to the dead letters.
    users, refused
        How many were erased, and how many records are no requests.
    """

    def __init__(
        self, profiles: Profiles, markers: ErasureMarkers, chunk: Chunk, stamp: ErasureStamp
    ) -> None:
        self._profiles = profiles
        self._markers = markers
        self._chunk = chunk
        self._stamp = stamp
        self._erased: dict[str, Erased] = {}
        self.changes: dict[bytes, bytes | None] = {}
        self.outbox: list[OutboxRecord] = []
        self.users = self.refused = 0

    @classmethod
    def of(cls, chunk: Chunk, store: ProfileStore, stamp: ErasureStamp) -> "Erasures":
        """Return what the records of a chunk do to the profiles of its partition."""
        partition = chunk.tp.partition
        asked = [_read(record, stamp.now) for record in chunk.records]
        profiles = store.load(partition, (one.user for one in asked if isinstance(one, Request)))
        erasures = cls(profiles, store.markers(partition), chunk, stamp)
        for one in asked:
            if isinstance(one, Request):
                erasures.erase(one)
            else:
                erasures.refuse(*one)
        return erasures

    def refuse(self, record: RawRecord, error: InvalidRecord) -> None:
        """Send a record to the dead letters."""
        self.outbox.append(dead_letter(*self._chunk.tp, record, error))
        self.refused += 1

    def erase(self, request: Request) -> None:
        """Erase a user; a request that repeats one, or is older than one that was done, does nothing.

        The whole profile goes, with what the user did after the time that was asked for: it cannot be taken
        apart. So those events count no more, either.
        """
        user = request.user
        before = self._erased.get(user) or self._markers.of(user)
        if request.ts <= before.asked:
            return
        row, removed = self._profiles.row_of[user], Removed()
        until = max(request.ts, before.until)
        if user not in self._erased and self._profiles.events[row]:
            until = max(until, int(time_of(self._profiles.actions.stamp[row, 0])))
            removed = Removed.of(self._profiles, row)
            self._delete(user, row)
        # A clock that is ahead must not make repeats of what is asked for by others later.
        self._erased[user] = erased = Erased(until, min(request.ts, self._stamp.now))
        self.changes |= [marker_of(user, erased)]
        self.outbox.append(self._decision(request, until, removed))
        self.users += 1

    def _delete(self, user: str, row: int) -> None:
        self.changes[user_key(PROFILE, user)] = None
        if row in self._profiles.blocks:
            self.changes[user_key(BLOCKS, user)] = None
        self.outbox.append(erasure_record(self._stamp.examples, int(self._profiles.pseudonym[row])))

    def _decision(self, request: Request, until: int, removed: Removed) -> OutboxRecord:
        topic, partition = self._chunk.tp
        details = {
            "user": user_digest(request.user).hex(),
            "topic": topic,
            "partition": partition,
            "offset": request.record.offset,
            "until": until,
            **msgspec.structs.asdict(removed),
        }
        decision = Decision(kind="erasure", ts=self._stamp.now, reason=_REASON, details=details)
        return OutboxRecord(self._stamp.decisions, partition, None, encode(decision))
