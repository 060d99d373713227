"""Folding a batch of events into profiles: repeats dropped, each event at its place in event time."""

from typing import NamedTuple

import numpy as np

from models.affinity import WEIGHTS, price_band
from models.batch import CODE_OF, IS_ORDER, TAKES_BACK, Batch, Bools, Bytes, Floats, Longs
from models.events import Action
from models.observation import History, Observations
from models.profile import Profiles
from models.rounds import Rounds
from models.seen import sift

__all__ = ["fold"]


class _Events(NamedTuple):
    """Columns of M events, and where each goes."""

    row: Longs  # int64[M]
    item: Longs  # int64[M]
    action: Bytes  # uint8[M]
    ts: Longs  # int64[M]
    weight: Floats  # float32[M]
    category: Longs  # int64[M]
    brand: Longs  # int64[M]
    band: Longs  # int64[M]

    @classmethod
    def of(cls, batch: Batch, kept: Longs, row: Longs) -> "_Events":
        action = batch.action[kept]
        return cls(
            row=row,
            item=batch.item[kept],
            action=action,
            ts=batch.ts[kept],
            weight=WEIGHTS[action],
            category=batch.category[kept],
            brand=batch.brand[kept],
            band=price_band(batch.price[kept]),
        )

    def take(self, chosen: Longs | Bools) -> "_Events":
        return _Events._make(column[chosen] for column in self)

    @property
    def when(self) -> Longs:
        """int64[M]: places in time; at the same millisecond an order comes after browsing."""
        return 2 * self.ts + IS_ORDER[self.action].astype(np.int64)


def fold(profiles: Profiles, batch: Batch, horizon: int = 20) -> Observations:
    """Fold the batch into the profiles of its users, in place, and return what each event showed.

    An event that comes late goes to its place in event time; among events of the same millisecond an
    order comes after browsing, and then what arrives later is newer. A refund marks the newest order line of
    its item that is not newer than itself.

    Parameters
    ----------
    profiles
        Must hold a row for every user of the batch, with the blocks of those who have any.
    batch
        Events in the order in which they arrived.
    horizon
        H, the actions of a history, at most 50.

    Raises
    ------
    KeyError
        If a user of the batch has no row.
    """
    row = np.array([profiles.row_of[user] for user in batch.user], dtype=np.int64)
    kept = sift(profiles, batch, row)
    events = _Events.of(batch, kept, row[kept])
    rounds = Rounds.of(events.row)
    before, after = History.blank(len(kept), horizon), History.blank(len(kept), horizon)
    latest = np.zeros(len(kept), dtype=np.int64)
    for chosen in rounds.events():
        step = events.take(chosen)
        _look(profiles, step.row, before, chosen)
        latest[chosen] = profiles.latest[step.row]
        _fold_round(profiles, step)
        _look(profiles, step.row, after, chosen)
    profiles.touched[events.row] = True
    scored = (latest != 0) & (latest != events.item) & ~TAKES_BACK[events.action]
    return Observations(kept, events.row, before, after, latest, rounds.previous, scored)


def _look(profiles: Profiles, row: Longs, history: History, chosen: Longs) -> None:
    """Copy the newest H actions of each row to the histories of the chosen events."""
    horizon = history.item.shape[1]
    history.item[chosen] = profiles.item[:, :horizon][row]
    history.action[chosen] = profiles.action[:, :horizon][row]
    history.ts[chosen] = profiles.when[:, :horizon][row] >> 1


def _fold_round(profiles: Profiles, events: _Events) -> None:
    """Fold R events of R different users."""
    _add_actions(profiles, events)
    _set_latest(profiles, events)
    _add_lines(profiles, events.take(events.action == CODE_OF[Action.PURCHASE]))
    _mark_returned(profiles, events.take(events.action == CODE_OF[Action.REFUND]))
    profiles.categories.touch(events.row, events.category, events.ts, events.weight)
    profiles.brands.touch(events.row, events.brand, events.ts, events.weight)
    profiles.bands.touch(events.row, events.band, events.ts, events.weight)


def _add_actions(profiles: Profiles, events: _Events) -> None:
    row, when, count = events.row, events.when, profiles.count("item")
    place = (profiles.when[row] > when[:, np.newaxis]).sum(axis=1)
    count[row] = np.minimum(count[row] + 1, profiles.item.shape[1])
    used = count[row].max()
    _insert(profiles.item[:, :used], row, place, events.item)
    _insert(profiles.when[:, :used], row, place, when)
    _insert(profiles.action[:, :used], row, place, events.action)


def _set_latest(profiles: Profiles, events: _Events) -> None:
    newer = ~TAKES_BACK[events.action] & (events.when >= profiles.latest_when[events.row])
    profiles.latest[events.row[newer]] = events.item[newer]
    profiles.latest_when[events.row[newer]] = events.when[newer]


def _add_lines(profiles: Profiles, orders: _Events) -> None:
    row, count = orders.row, profiles.count("line_item")
    place = (profiles.line_ts[row] > orders.ts[:, np.newaxis]).sum(axis=1)
    count[row] = np.minimum(count[row] + 1, profiles.line_item.shape[1])
    _insert(profiles.line_item, row, place, orders.item)
    _insert(profiles.line_ts, row, place, orders.ts)
    _insert(profiles.line_returned, row, place, np.zeros(len(row), dtype=np.uint8))


def _mark_returned(profiles: Profiles, refunds: _Events) -> None:
    row = refunds.row
    lines = profiles.line_item[row] == refunds.item[:, np.newaxis]  # bool[R, 32]
    lines &= (profiles.line_returned[row] == 0) & (profiles.line_ts[row] <= refunds.ts[:, np.newaxis])
    found = lines.any(axis=1)
    profiles.line_returned[row[found], lines[found].argmax(axis=1)] = 1


def _insert(column: Longs | Bytes, row: Longs, place: Longs, value: Longs | Bytes) -> None:
    """Put one value into each row at its place; what is there and after moves one on, the last one out."""
    old = column[row]  # [R, n]
    column[:, 1:][row] = old[:, :-1]
    column[row, 0] = value
    late = place.nonzero()[0]
    j, at = np.arange(old.shape[1]), place[late, np.newaxis]
    moved = np.where(j == at, value[late, np.newaxis], column[row[late]])
    column[row[late]] = np.where(j < at, old[late], moved)
