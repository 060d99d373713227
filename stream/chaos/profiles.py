"""Profiles as they must be, by a pure fold over the source topics, and how others differ from them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np

from models.batch import Batch
from models.events import Event
from models.fold import fold
from models.layout import KINDS
from models.profile import Profiles
from models.seen import BLOCK, blocks_from_bytes
from models.timeline import Timeline

__all__ = ["Comparison", "Folded", "Stored", "compare"]

# Sums are float32 and were added up in another order: a thousand additions err by 1e-4 at most.
_RELATIVE: Final = 1e-3
# What an impression of two weeks ago has left of its hour, and less, is no difference.
_ABSOLUTE: Final = 1e-5
_PRICE_BANDS: Final = 2

# A user and the key of one of the user's events (``Batch.event_key``).
EventOf = tuple[str, int]


class Folded(NamedTuple):
    """The profiles of a partition after all its events, and which events were no repeats."""

    profiles: Profiles
    kept: list[int]  # of the events, ascending

    @classmethod
    def of(cls, events: Sequence[Event]) -> "Folded":
        """Return the fold of the events in their order."""
        profiles = Profiles(list(dict.fromkeys(event.user_id for event in events)))
        seen = fold(profiles, Batch.of(events), horizon=1)
        return cls(profiles, seen.kept.tolist())


class Stored(NamedTuple):
    """A partition as it is stored: the rows and blocks of users, by user id in UTF-8."""

    rows: Mapping[bytes, bytes]
    blocks: Mapping[bytes, bytes]

    def profiles(self) -> Profiles:
        """Return the profiles; raises `UnreadableProfile` and `UnreadableBlocks`."""
        users = [name.decode() for name in self.rows]
        profiles = Profiles.from_rows(users, list(self.rows.values()))
        rows = {profiles.row_of[name.decode()]: raw for name, raw in self.blocks.items()}
        profiles.blocks = {row: blocks_from_bytes(raw) for row, raw in rows.items()}
        return profiles


class Comparison(msgspec.Struct, frozen=True):
    """How stored profiles differ from those they must be.

    Attributes
    ----------
    lost, doubled
        Events that are in no profile, and that are in one more often than once.
    unequal
        Users whose profile has the right events and is another one all the same.
    """

    lost: frozenset[EventOf] = frozenset()
    doubled: frozenset[EventOf] = frozenset()
    unequal: frozenset[str] = frozenset()

    def __or__(self, other: "Comparison") -> "Comparison":
        return Comparison(self.lost | other.lost, self.doubled | other.doubled, self.unequal | other.unequal)


def compare(must: Profiles, found: Profiles) -> Comparison:
    """Return how the profiles found differ from those that must be.

    What was served is left out: it depends on what the model had learnt by then. So are sums by category and
    brand, which depend on what the catalog said by then, and the sums of a user with more price
    bands than a profile holds: which had to give way depends on the order of arrival. So does which event was
    the first, that keys the pseudonym: there must be one.

    Examples
    --------
    >>> compare(Profiles(["ann"]), Profiles(["ann"])).unequal
    frozenset()
    """
    lost, doubled, unequal = set(), set(), set()
    nobody = Profiles([""])
    for user in dict.fromkeys([*must.users, *found.users]):
        one = (must, must.row_of[user]) if user in must.row_of else (nobody, 0)
        other = (found, found.row_of[user]) if user in found.row_of else (nobody, 0)
        expected, keys = _event_keys(*one), _event_keys(*other)
        lost |= {(user, key) for key in expected - keys}
        doubled |= {(user, key) for key in keys - expected}
        if expected == keys and not _is_same(_facts(*one), _facts(*other)):
            unequal.add(user)
    return Comparison(frozenset(lost), frozenset(doubled), frozenset(unequal))


def _event_keys(profiles: Profiles, row: int) -> Counter[int]:
    """Return how often each event is in the profile; in which block depends on the order of arrival."""
    recent = profiles.recent[row, : int(profiles.events[row]) % BLOCK].tolist()
    blocks = profiles.blocks.get(row, np.empty((0, BLOCK + 1), dtype=np.int64))
    return Counter([*recent, *blocks[:, :BLOCK].ravel().tolist()])


class _Facts(NamedTuple):
    exact: list[Any]
    bands: dict[int, list[float]] | None  # by key, the time and the sums; None where they are left out


def _facts(profiles: Profiles, row: int) -> _Facts:
    exact = [
        int(profiles.events[row]),
        bool(profiles.pseudonym[row]),
        int(profiles.latest[row]),
        int(profiles.latest_stamp[row]),
        _entries(profiles.actions, row),
        _entries(profiles.lines, row),
    ]
    return _Facts(exact, _bands(profiles, row))


def _entries(timeline: Timeline, row: int) -> list[list[int]]:
    entries: list[list[int]] = timeline.entries[row, :, : timeline.filled[row]].tolist()
    return entries


def _bands(profiles: Profiles, row: int) -> dict[int, list[float]] | None:
    affinity, place = profiles.affinity, (row, _PRICE_BANDS)
    filled = int(affinity.filled[place])
    if filled == KINDS[_PRICE_BANDS].capacity:
        return None
    keys = affinity.key[place][:filled].tolist()
    times, sums = affinity.ts[place][:filled].tolist(), affinity.sums[place][:filled].tolist()
    return {key: [ts, *parts] for key, ts, parts in zip(keys, times, sums, strict=True)}


def _is_same(one: _Facts, other: _Facts) -> bool:
    if one.exact != other.exact or (one.bands is None) != (other.bands is None):
        return False
    mine, others = one.bands or {}, other.bands or {}
    return mine.keys() == others.keys() and all(
        np.allclose(mine[key], others[key], rtol=_RELATIVE, atol=_ABSOLUTE) for key in mine
    )
