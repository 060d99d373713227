"""Repeats of event ids, dropped exactly, also after a restart.

An event is a repeat if its id is among the user's last 1,024 events at least, or in a block of 64 events of
which one is newer than 7 days before the user's newest (and not more than 256 blocks back). Up
to 63 keys since the last full block are in the profile; full blocks are kept beside it, so that a user
with few events needs no second read.

The rule looks only at the user's events that were kept, in the order of their arrival, so that it does
not depend on how the stream was cut into batches.
"""

from typing import Final

import numpy as np

from models.batch import Batch, Bools, Longs
from models.errors import ModelError
from models.layout import RECENT
from models.profile import Profiles
from models.rounds import Rounds
from models.timeline import time_of

__all__ = ["BLOCK", "MAX_BLOCKS", "UnreadableBlocks", "blocks_from_bytes", "blocks_to_bytes", "sift"]

BLOCK: Final = RECENT.capacity + 1
# The contract: a user's last 1,000 events, or 7 days.
_LAST_BLOCKS: Final = 16
_KEPT_MS: Final = 7 * 86_400_000
# 16,384 events in 7 days is one every 37 s, day and night: 133 kB a user at most.
MAX_BLOCKS: Final = 256
_FORMAT: Final = 1


class UnreadableBlocks(ModelError, ValueError):
    """Stored bytes that are no blocks of this format."""


def sift(profiles: Profiles, batch: Batch, row: Longs) -> Longs:
    """Return the events of a batch that are no repeats, int64[M] ascending, and enter them in the profiles.

    ``row`` is int64[B], the row of each event's user.
    """
    many = profiles.events + np.bincount(row, minlength=len(profiles.events)) >= BLOCK  # bool[U]
    new = _first_of_batch(row, batch.event_key) & ~_is_recent(profiles, row, batch.event_key)
    few = new & ~many[row]
    _enter(profiles, row[few], batch.event_key[few], batch.ts[few])
    for user in many.nonzero()[0].tolist():
        events = (row == user).nonzero()[0]
        busy = _BusyUser(profiles, user)
        new[events] = busy.admit(batch.event_key[events], batch.ts[events], new[events])
        busy.settle(profiles, user)
    kept: Longs = new.nonzero()[0]
    return kept


def blocks_to_bytes(blocks: Longs) -> bytes:
    """Return the stored form of a user's blocks: a word with the format, then int64[n, BLOCK + 1]."""
    return np.append(_FORMAT, blocks).tobytes()


def blocks_from_bytes(raw: bytes) -> Longs:
    """Return int64[n, BLOCK + 1], the blocks that `blocks_to_bytes` wrote.

    Raises
    ------
    UnreadableBlocks
        If the bytes are of another format or damaged.
    """
    words = np.frombuffer(raw[: len(raw) // 8 * 8], dtype=np.int64)
    if len(raw) % 8 or not len(words) or words[0] != _FORMAT or len(words) % (BLOCK + 1) != 1:
        raise UnreadableBlocks(f"stored event keys are unreadable: {len(raw)} bytes that start {raw[:8]!r}")
    blocks: Longs = words[1:].reshape(-1, BLOCK + 1)
    return blocks


def _first_of_batch(row: Longs, key: Longs) -> Bools:
    """Return bool[B]: no earlier event of this batch has the same user and id."""
    order = np.lexsort((key, row))
    repeat = (row[order][1:] == row[order][:-1]) & (key[order][1:] == key[order][:-1])
    first = np.ones(len(row), dtype=np.bool_)
    first[order[1:][repeat]] = False
    return first


def _is_recent(profiles: Profiles, row: Longs, key: Longs) -> Bools:
    """Return bool[B]: the id is among those of the user since the last full block."""
    used = profiles.filled(RECENT).max(initial=0)
    recent: Bools = (profiles.recent[:, :used][row] == key[:, np.newaxis]).any(axis=1)
    return recent


def _enter(profiles: Profiles, row: Longs, key: Longs, ts: Longs) -> None:
    """Append the keys of M events of users who do not fill a block."""
    place = profiles.events[row] + Rounds.of(row).nth
    profiles.recent[row, place] = key
    np.add.at(profiles.events, row, 1)
    np.maximum.at(profiles.recent_newest, row, ts)
    profiles.filled(RECENT)[row, 0] = profiles.events[row]


class _BusyUser:
    """The event keys of a user who has filled a block, one event at a time."""

    def __init__(self, profiles: Profiles, row: int) -> None:
        self._events = int(profiles.events[row])
        self._recent: list[int] = profiles.recent[row, : self._events % BLOCK].tolist()
        self._recent_newest = int(profiles.recent_newest[row])
        self._newest = int(time_of(profiles.actions.stamp[row, 0]))
        # int64[n, BLOCK + 1], oldest block first: the keys of each, and the newest time among them.
        self._blocks = profiles.blocks.get(row, np.empty((0, BLOCK + 1), dtype=np.int64))

    def admit(self, key: Longs, ts: Longs, new: Bools) -> list[bool]:
        """Enter those of the user's events that are no repeats, and return which.

        ``new`` are those whose id is neither in the batch before nor in ``recent``: most need no closer look.
        """
        sure = new & ~(self._blocks[:, :BLOCK].ravel() == key[:, np.newaxis]).any(axis=1)
        events = zip(key.tolist(), ts.tolist(), sure.tolist(), strict=True)
        return [(sure or self._is_new(key)) and self._enter(key, ts) for key, ts, sure in events]

    def settle(self, profiles: Profiles, row: int) -> None:
        """Write what has changed to the profile."""
        profiles.events[row] = self._events
        profiles.recent[row] = 0
        profiles.recent[row, : len(self._recent)] = self._recent
        profiles.filled(RECENT)[row] = len(self._recent)
        profiles.recent_newest[row] = self._recent_newest
        if self._blocks is not profiles.blocks.get(row):
            profiles.blocks[row] = self._blocks
            profiles.new_blocks.add(row)

    def _is_new(self, key: int) -> bool:
        found = (self._blocks[:, :BLOCK] == key).any(axis=1)
        return key not in self._recent and not (found & self._counts()).any()

    def _enter(self, key: int, ts: int) -> bool:
        self._events += 1
        self._recent.append(key)
        self._recent_newest = max(self._recent_newest, ts)
        self._newest = max(self._newest, ts)
        if len(self._recent) == BLOCK:
            self._close_block()
        return True

    def _close_block(self) -> None:
        block = np.array([*self._recent, self._recent_newest], dtype=np.int64)
        self._blocks = np.vstack([self._blocks, block])[-MAX_BLOCKS:]
        self._blocks = self._blocks[self._counts()]
        self._recent, self._recent_newest = [], 0

    def _counts(self) -> Bools:
        """Return bool[n]: the blocks in which an id is still a repeat; one that is not never is again."""
        counts = self._blocks[:, BLOCK] >= self._newest - _KEPT_MS
        counts[-_LAST_BLOCKS:] = True
        return counts
