"""When each event of a replay is due, and holding it back until then."""

from collections.abc import Awaitable, Callable
from typing import Final, Protocol

__all__ = ["Pace", "Pacer", "RecordedPace", "SteadyRate", "TunedRate"]

# Events due within a tick go out together, at most 10 ms late: a request costs as much as 100 events.
_TICK_SECONDS: Final = 0.010
# How often the clock is read while behind schedule, in events.
_CLOCK_EVERY: Final = 64


class Pace(Protocol):
    """The schedule of a replay."""

    def due(self, index: int, ts: int) -> float:
        """Return when event ``index``, of time ``ts`` in milliseconds, is due: seconds after the start."""


class SteadyRate:
    """So many events a second.

    Examples
    --------
    >>> SteadyRate(500.0).due(1000, ts=7)
    2.0
    """

    def __init__(self, events_per_second: float) -> None:
        self._rate = events_per_second

    def due(self, index: int, ts: int) -> float:
        """Return when event ``index`` is due, in seconds after the start."""
        del ts
        return index / self._rate


class TunedRate:
    """A rate that whoever runs the replay changes while it goes on, from any thread.

    Attributes
    ----------
    rate
        Events a second, for those that are not due yet.

    Examples
    --------
    >>> pace = TunedRate(10.0)
    >>> early = pace.due(10, ts=7)
    >>> pace.rate = 100.0
    >>> early, pace.due(20, ts=7)
    (1.0, 1.1)
    """

    def __init__(self, events_per_second: float) -> None:
        self.rate = events_per_second
        self._index = 0
        self._due = 0.0

    def due(self, index: int, ts: int) -> float:
        """Return when event ``index`` is due, in seconds after the start."""
        del ts
        self._due += (index - self._index) / self.rate
        self._index = index
        return self._due


class RecordedPace:
    """The pace at which the log was recorded, ``speed`` times as fast; a late row waits for nobody.

    Examples
    --------
    >>> pace = RecordedPace(60.0)
    >>> [pace.due(index, ts) for index, ts in enumerate([1000, 61_000, 1000])]
    [0.0, 1.0, 1.0]
    """

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._first: int | None = None
        self._due = 0.0

    def due(self, index: int, ts: int) -> float:
        """Return when the event of time ``ts`` is due, in seconds after the start; it never goes back."""
        del index
        if self._first is None:
            self._first = ts
        self._due = max(self._due, (ts - self._first) / 1000 / self._speed)
        return self._due


class Pacer:
    """Holds events back until they are due, and keeps the worst lag behind the schedule.

    Parameters
    ----------
    pace
        The schedule.
    clock
        Seconds, from anywhere; the schedule starts with the construction.
    idle
        Called with the seconds to wait when the next event is not due yet.
    """

    def __init__(
        self, pace: Pace, clock: Callable[[], float], idle: Callable[[float], Awaitable[None]]
    ) -> None:
        self._pace = pace
        self._clock = clock
        self._idle = idle
        self._start = clock()
        self._now = 0.0
        self._released = 0
        self.worst_lag = 0.0

    async def until_due(self, index: int, ts: int) -> None:
        """Return once event ``index``, of time ``ts`` in milliseconds, is due."""
        due = self._pace.due(index, ts)
        if due > self._now or self._released % _CLOCK_EVERY == 0:
            self._now = self._clock() - self._start
        while due > self._now:
            await self._idle(max(due - self._now, _TICK_SECONDS))
            self._now = self._clock() - self._start
        self._released += 1
        self.worst_lag = max(self.worst_lag, self._now - due)
