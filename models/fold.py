"""Folding a batch of events into profiles: repeats dropped, each event at its place in event time."""

from typing import Final, NamedTuple

import numpy as np

from models.affinity import WEIGHTS, Touches, price_band
from models.batch import CODE_OF, TAKES_BACK, Batch, Bools, Bytes, Longs
from models.events import Action
from models.observation import History, Observations
from models.profile import Profiles
from models.pseudonym import pseudonyms
from models.rounds import Rounds
from models.seen import sift
from models.timeline import action_of, as_of, stamps, time_of

__all__ = ["fold"]

_PURCHASE: Final = CODE_OF[Action.PURCHASE]
_REFUND: Final = CODE_OF[Action.REFUND]


class _Events(NamedTuple):
    """Columns of events, and where each goes."""

    row: Longs  # int64[M]
    item: Longs  # int64[M]
    stamp: Longs  # int64[M]
    action: Bytes  # uint8[M]

    def take(self, chosen: Longs | Bools) -> "_Events":
        return _Events._make(column[chosen] for column in self)


def fold(profiles: Profiles, batch: Batch, horizon: int = 20) -> Observations:
    """Fold the batch into the profiles of its users, in place, and return what each event showed.

    An event that comes late goes to its place in event time; among events of the same millisecond an
    order comes after browsing, and then what arrives later is newer. A refund marks the newest order line of
    its item that is not newer than itself and has not come back yet.

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
    action = batch.action[kept]
    events = _Events(row[kept], batch.item[kept], stamps(batch.ts[kept], action), action)
    observed = _fold_actions(profiles, events, kept, horizon)
    _fold_orders(profiles, events)
    profiles.affinity.add(_touches(batch, row, kept))
    _name(profiles, batch, row, kept)
    profiles.touched[events.row] = True
    return observed


def _name(profiles: Profiles, batch: Batch, row: Longs, kept: Longs) -> None:
    """Give those who have none yet a pseudonym, keyed by their first event that was kept."""
    new = kept[profiles.pseudonym[row[kept]] == 0]
    rows, first = np.unique(row[new], return_index=True)  # int64[new users] both
    users = (profiles.users[user] for user in rows.tolist())
    profiles.pseudonym[rows] = pseudonyms(users, batch.event_key[new[first]].tolist())


def _fold_actions(profiles: Profiles, events: _Events, kept: Longs, horizon: int) -> Observations:
    """Insert M actions, at most one of each user at a time, and look before and after each."""
    entries = profiles.actions.entries[:, :, :horizon]
    rounds = Rounds.of(events.row)
    before, latest = entries[events.row], profiles.latest[events.row]  # int64[M, 2, H], int64[M]
    after, latest_after = np.empty_like(before), np.empty_like(latest)
    for chosen in rounds.events():
        step = events.take(chosen)
        profiles.actions.insert(step.row, step.item, step.stamp)
        _set_latest(profiles, step)
        after[chosen] = entries[step.row]
        latest_after[chosen] = profiles.latest[step.row]
    follows = (rounds.previous >= 0).nonzero()[0]
    before[follows] = after[rounds.previous[follows]]
    latest[follows] = latest_after[rounds.previous[follows]]
    scored = (latest != 0) & (latest != events.item) & ~TAKES_BACK[events.action]
    histories = History.of(before), History.of(after)
    return Observations(kept, events.row, *histories, latest, rounds.previous, scored)


def _set_latest(profiles: Profiles, events: _Events) -> None:
    newer = ~TAKES_BACK[events.action] & (as_of(events.stamp) >= profiles.latest_stamp[events.row])
    profiles.latest[events.row[newer]] = events.item[newer]
    profiles.latest_stamp[events.row[newer]] = events.stamp[newer]


def _fold_orders(profiles: Profiles, events: _Events) -> None:
    """Enter order lines, and mark those that came back."""
    orders = events.take((events.action == _PURCHASE) | (events.action == _REFUND))
    for chosen in Rounds.of(orders.row).events():
        step = orders.take(chosen)
        bought = step.take(step.action == _PURCHASE)
        profiles.lines.insert(bought.row, bought.item, bought.stamp)
        _mark_returned(profiles, step.take(step.action == _REFUND))


def _mark_returned(profiles: Profiles, refunds: _Events) -> None:
    stamp = profiles.lines.stamp[refunds.row]  # int64[R, 32]
    fits = profiles.lines.item[refunds.row] == refunds.item[:, np.newaxis]
    fits &= (action_of(stamp) == _PURCHASE) & (time_of(stamp) <= time_of(refunds.stamp)[:, np.newaxis])
    found = fits.any(axis=1)
    profiles.lines.stamp[refunds.row[found], fits[found].argmax(axis=1)] += _REFUND - _PURCHASE


def _touches(batch: Batch, row: Longs, kept: Longs) -> Touches:
    """Return what the kept events add to the affinities: known keys of each kind, at a weight above 0."""
    keys = np.stack([batch.category[kept], batch.brand[kept], price_band(batch.price[kept])], axis=1)
    weight = WEIGHTS[batch.action[kept]]
    event, kind = ((keys != 0) & (weight > 0)[:, np.newaxis]).nonzero()  # int64[T] each
    at = kept[event]
    return Touches(row[at], kind, keys[event, kind], batch.ts[at], weight[event])
