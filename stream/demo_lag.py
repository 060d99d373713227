"""How far a worker is behind, and how fast it is, from what was sent and what it has learnt."""

from collections import deque
from typing import Final, NamedTuple

__all__ = ["LagMeter"]

# Seconds over which the worker's speed is taken.
_SPAN: Final = 1.0


class _Look(NamedTuple):
    """At ``now`` seconds so many events had been sent, and so many learnt from."""

    now: float
    sent: int
    learnt: int


class LagMeter:
    """Takes note of two counts now and then, and says what lies between them.

    Examples
    --------
    >>> meter = LagMeter()
    >>> for second in range(9):
    ...     meter.look(second, sent=500 * second, learnt=100 * second)
    >>> meter.lag, meter.speed
    (6.4, 100.0)
    """

    def __init__(self) -> None:
        self._looks: deque[_Look] = deque()

    def look(self, now: float, sent: int, learnt: int) -> None:
        """Take note of both counts as they are ``now``, in seconds."""
        looks = self._looks
        looks.append(_Look(now, sent, learnt))
        while len(looks) > 1 and looks[1].sent <= learnt and looks[1].now <= now - _SPAN:
            looks.popleft()

    @property
    def lag(self) -> float:
        """Seconds since event number ``learnt`` was sent, on the line between two looks; 0 if none waits."""
        last = self._looks[-1]
        after = next((look for look in self._looks if look.sent > last.learnt), None)
        if after is None:
            return 0.0
        before = next((look for look in reversed(self._looks) if look.sent <= last.learnt), after)
        share = (last.learnt - before.sent) / max(after.sent - before.sent, 1)
        return last.now - before.now - share * (after.now - before.now)

    @property
    def speed(self) -> float:
        """Events a second that were learnt from in the last second."""
        last = self._looks[-1]
        first = next(look for look in self._looks if look.now >= last.now - _SPAN)
        return (last.learnt - first.learnt) / (last.now - first.now) if last is not first else 0.0
