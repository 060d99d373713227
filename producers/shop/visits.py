"""The sessions that begin in one stretch of time: who comes, and what they view."""

from typing import Final, NamedTuple

import numpy as np

from producers.shop.columns import Flags, Floats, Ints
from producers.shop.plan import DAY_MS, HOUR_MS, ShopPlan
from producers.shop.rhythm import busyness, evening
from producers.shop.truth import Truth
from producers.shop.walk import LEAD_MS, Walk

__all__ = ["Views", "Visits", "stretch_ms"]

# A session goes on after a view with this probability, and a bot's with that.
_GOES_ON: Final = 0.8
_BOT_GOES_ON: Final = 0.97
_MOST_VIEWS: Final = 200
# From one view to the next: the median in seconds and the spread of its logarithm; bots take two seconds.
_DWELL_SECONDS: Final = 35.0
_DWELL_SIGMA: Final = 0.8
_BOT_DWELL_MS: Final = 2_000
# How strongly users keep to their own time of the day.
_HABIT: Final = 0.7
# One session of a user can begin in a stretch: where the user is wanted again, others are asked.
_USERS_PER_SESSION: Final = 8
_MOST_SESSIONS: Final = 2_000
_ASKED: Final = 4
_LONGEST_MS: Final = 3 * HOUR_MS


class Views(NamedTuple):
    """Views, in the order in which they were drawn.

    Attributes
    ----------
    session
        Which session of the stretch, from 0: int64[V].
    ts, user, item, returns, place
        As in a `Chunk`; ``place`` stands in ``shown``: int64[V].
    shown
        The items that were offered, -1 for none: int64[V, C].
    """

    session: Ints
    ts: Ints
    user: Ints
    item: Ints
    returns: Ints
    place: Ints
    shown: Ints


def _views_per_session(plan: ShopPlan) -> float:
    """Return the mean, bots' sessions included."""
    human = 1 / (1 - _GOES_ON)
    return human + plan.bots * (1 / (1 - _BOT_GOES_ON) - human)


def stretch_ms(plan: ShopPlan) -> int:
    """Return how long a stretch of the plan is, in milliseconds."""
    a_day = plan.views_per_day / _views_per_session(plan)
    sessions = min(_MOST_SESSIONS, max(1.0, plan.users / _USERS_PER_SESSION))
    return int(np.clip(DAY_MS * sessions / a_day, 1_000, _LONGEST_MS))


class Visits:
    """Draws the sessions of one stretch after the other; each stretch has random numbers of its own."""

    def __init__(self, truth: Truth) -> None:
        self._plan, self._tastes = truth.plan, truth.tastes
        self._walk = Walk(truth)
        self._users = np.cumsum(self._tastes.activity)
        self._busy_until = np.zeros(self._plan.users, np.int64)
        self._rate = self._plan.views_per_day / _views_per_session(self._plan) / DAY_MS

    def draw(self, rng: np.random.Generator, since: int, until: int) -> Views:
        """Return the views of the sessions that begin in that time, in milliseconds since the Unix epoch."""
        start = self._starts(rng, since, until)
        user = self._who(rng, start)
        for _ in range(_ASKED):
            others = ~self._is_free(user, start)
            user[others] = self._who(rng, start[others])
        free = self._is_free(user, start)
        return self._sessions(rng, user[free], start[free])

    def _is_free(self, user: Ints, start: Ints) -> Flags:
        """Return whether each user has no other session at that time, and none before in the stretch."""
        first = np.zeros(len(user), bool)
        first[np.unique(user, return_index=True)[1]] = True
        return first & (start >= self._busy_until[user])

    def _starts(self, rng: np.random.Generator, since: int, until: int) -> Ints:
        """Return when sessions begin: a Poisson process, thinned to how busy the time is (Lewis 1979)."""
        most = (1 + self._plan.swing) * (1 + self._plan.weekly_swing)
        start = np.sort(rng.integers(since, until, rng.poisson(self._rate * most * (until - since))))
        return np.asarray(start[rng.random(len(start)) * most < busyness(self._plan, start)])

    def _who(self, rng: np.random.Generator, start: Ints) -> Ints:
        """Return a user for each start: of two drawn by activity, the one who would rather come now."""
        pair = np.searchsorted(self._users, rng.random((2, len(start))) * self._users[-1])
        pair = np.minimum(pair, self._plan.users - 1)
        wish = 1 + _HABIT * evening(start, self._tastes.peak[pair])
        is_first = rng.random(len(start)) * wish.sum(axis=0) < wish[0]
        return np.asarray(np.where(is_first, pair[0], pair[1]))

    def _sessions(self, rng: np.random.Generator, user: Ints, start: Ints) -> Views:
        session, item, ts = np.arange(len(user)), np.full(len(user), -1), start + LEAD_MS
        steps = []
        for _ in range(_MOST_VIEWS):
            step = self._walk.step(rng, user, ts, item)
            views = Views(session, ts, user, step.item, step.returns, step.place, step.shown)
            is_there = step.item >= 0
            steps.append(Views(*(column[is_there] for column in views)))
            self._busy_until[user] = ts + HOUR_MS // 60
            is_bot = self._tastes.is_bot[user]
            going = is_there & (rng.random(len(user)) < np.where(is_bot, _BOT_GOES_ON, _GOES_ON))
            dwell = np.where(is_bot, _BOT_DWELL_MS, _dwell(rng, len(user)))
            session, user, item = session[going], user[going], step.item[going]
            ts = (ts + LEAD_MS + dwell.astype(np.int64))[going]
            if not len(user):
                break
        return Views(*(np.concatenate(columns) for columns in zip(*steps, strict=True)))


def _dwell(rng: np.random.Generator, count: int) -> Floats:
    return rng.lognormal(np.log(_DWELL_SECONDS * 1_000), _DWELL_SIGMA, count)
