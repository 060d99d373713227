"""The rate that a worker keeps up with, found while it works."""

from collections import deque
from typing import Final, NamedTuple

__all__ = ["RateControl"]

_FIRST_RATE: Final = 500.0
_SLOWEST: Final = 20.0
# Seconds that the learner may be behind: well below the two that it is allowed.
_BEARABLE_LAG: Final = 0.5
# Below this the rate may rise: a batch, its publishing and its lesson take about half of it.
_EASY_LAG: Final = 0.25
# A rise of 4 % a look, four looks a second, doubles the rate in 4.5 s.
_RISE: Final = 1.04
# Of what the worker did of late: the rest is for what has piled up.
_RETREAT: Final = 0.8
# Seconds over which the worker's own speed is taken, and for which a retreat is left to show its effect.
_SPAN: Final = 1.0


class _Look(NamedTuple):
    """At ``now`` seconds so many events had been sent, and so many learnt from."""

    now: float
    sent: int
    learnt: int


class RateControl:
    """Raises the rate while the learner keeps up, and falls back behind its speed where it does not.

    Attributes
    ----------
    rate
        Events a second to send from now on.
    lag
        Seconds that the learner is behind: how long ago the newest event that it has learnt from was sent.
    worst_lag
        The greatest lag so far, in seconds.

    Examples
    --------
    >>> control = RateControl()
    >>> for second in range(9):
    ...     control.look(second, sent=500 * second, learnt=100 * second)
    >>> control.rate, control.lag
    (80.0, 6.4)
    """

    def __init__(self) -> None:
        self.rate = _FIRST_RATE
        self.lag = self.worst_lag = 0.0
        self._looks: deque[_Look] = deque()
        self._settles_at = 0.0

    def look(self, now: float, sent: int, learnt: int) -> None:
        """Take note of how far both are ``now``, in seconds; call it a few times a second.

        ``learnt`` counts each sent event that needs no more work, one that teaches nothing as well.
        """
        self._looks.append(_Look(now, sent, learnt))
        self.lag = self._lag_of(now, learnt)
        self.worst_lag = max(self.worst_lag, self.lag)
        speed = self._speed()
        if now < self._settles_at:
            return
        if self.lag > _BEARABLE_LAG:
            self.rate = max(_SLOWEST, min(self.rate, speed) * _RETREAT)
            self._settles_at = now + _SPAN
        elif self.lag < _EASY_LAG and speed > _RETREAT * self.rate:  # it does go out at this rate
            self.rate *= _RISE

    def _lag_of(self, now: float, learnt: int) -> float:
        """Return how long ago event number ``learnt`` was sent, on the line between two looks."""
        looks = self._looks
        while len(looks) > 1 and looks[1].sent <= learnt and looks[1].now <= now - _SPAN:
            looks.popleft()
        before = next((look for look in reversed(looks) if look.sent <= learnt), looks[0])
        after = next((look for look in looks if look.sent > learnt), None)
        if after is None:
            return 0.0
        share = (learnt - before.sent) / max(after.sent - before.sent, 1)
        return now - before.now - share * (after.now - before.now)

    def _speed(self) -> float:
        """Return the events a second that the worker was done with in the last second."""
        last = self._looks[-1]
        first = next(look for look in self._looks if look.now >= last.now - _SPAN)
        return (last.learnt - first.learnt) / (last.now - first.now) if last is not first else 0.0
