"""The rate that a worker keeps up with, found while it works."""

import math
from collections import deque
from typing import Final

from stream.demo_lag import LagMeter

__all__ = ["RateControl"]

# Events a second until the first lesson, since a worker's first batch takes it a second or two.
_WARM_UP_RATE: Final = 50.0
_FIRST_RATE: Final = 500.0
# Below this a worker has an event at a time, each with the costs of a batch, and is slower than above.
_SLOWEST: Final = 250.0
# As in CoDel (Nichols and Jacobson, 2012) the least lag of a second counts: what stands in a queue for longer
# than a batch. A batch, its publishing and its lesson take a worker some time however little it has to do, so
# it is compared with the least of ten seconds: the rate rises below the first, and falls above the second.
_SHORT_QUEUE: Final = 0.15
_LONG_QUEUE: Final = 0.4
# Whatever the least lag, at this one the rate falls: the learner is allowed two seconds.
_BEARABLE_LAG: Final = 1.0
# Where few events may wait to be learnt, the rate rises below this share of them, and falls above them all.
_ROOM: Final = 0.75
# By which the rate then falls: little, as a batch more or less is half of what may wait.
_STEP_BACK: Final = 0.9
# A rise of 6 % a look, four looks a second, doubles the rate in 3 s.
_RISE: Final = 1.06
# A fall goes below the speed the worker has just shown, but not far: it may have stood still for a moment.
_RETREAT: Final = 0.75
_FAR_RETREAT: Final = 0.5
# Seconds for which a change is left to show its effect.
_SETTLING: Final = 1.0
_SECOND: Final = 4  # looks
_LATELY: Final = 40  # looks


class RateControl:
    """Raises the rate while the learner keeps up, and lowers it where a queue builds up before it.

    Parameters
    ----------
    most
        The highest rate, in events a second.
    most_waiting
        Events that may wait to be learnt, however quick the worker is: a log that is replayed thousands of
        times as fast as it happened is foreseen as by `headrace evaluate` only if few do.

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
    >>> control.rate
    50.0
    >>> control.look(1.0, sent=50, learnt=10)
    >>> control.rate
    500.0
    """

    def __init__(self, most: float = math.inf, most_waiting: float = math.inf) -> None:
        self._most = most
        self._most_waiting = most_waiting
        self.rate = min(_WARM_UP_RATE, most)
        self.lag = self.worst_lag = 0.0
        self._meter = LagMeter()
        self._lags: deque[float] = deque(maxlen=_LATELY)
        self._waiting: deque[int] = deque(maxlen=_SECOND)
        self._settles_at = 0.0

    def look(self, now: float, sent: int, learnt: int) -> None:
        """Take note of how far both are ``now``, in seconds; call it a few times a second.

        ``learnt`` counts each sent event that needs no more work, one that teaches nothing as well.
        """
        self._meter.look(now, sent, learnt)
        self._waiting.append(sent - learnt)
        self.lag = self._meter.lag
        self.worst_lag = max(self.worst_lag, self.lag)
        if self._lags or learnt:  # what the first batch takes says nothing
            self._tune(now)
            self.rate = min(self.rate, self._most)

    def _tune(self, now: float) -> None:
        if not self._lags:
            self.rate, self._settles_at = _FIRST_RATE, now + _SETTLING
        self._lags.append(self.lag)
        if now >= self._settles_at:
            self._follow(now)

    def _follow(self, now: float) -> None:
        standing = min(list(self._lags)[-_SECOND:])
        queue = standing - min(self._lags)
        crowd = min(self._waiting) / self._most_waiting
        if queue > _LONG_QUEUE or standing > _BEARABLE_LAG:
            below_speed = min(_RETREAT * self._meter.speed, _RETREAT * self.rate)
            self.rate = max(_SLOWEST, _FAR_RETREAT * self.rate, below_speed)
            self._settles_at = now + _SETTLING
        elif crowd > 1:
            self.rate = max(_SLOWEST, _STEP_BACK * self.rate)
            self._settles_at = now + _SETTLING
        elif queue < _SHORT_QUEUE and crowd < _ROOM and self._goes_out:
            self.rate *= _RISE

    @property
    def _goes_out(self) -> bool:
        """Whether as much is sent and learnt as the rate says."""
        return self._meter.speed > _RETREAT * self.rate
