"""For how long a worker may hold its partitions to be its own."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

__all__ = ["Lease", "running_seconds"]

# Seconds between two looks at a lease that has run out: heartbeats are seconds apart.
_LOOK_AGAIN: Final = 0.02
# The clock that runs on while the machine sleeps, where the system has it.
_CLOCK: Final[int] = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def running_seconds() -> float:
    """Return seconds on a clock that never jumps, and runs on while the process is stopped."""
    return time.clock_gettime(_CLOCK)


class Lease:
    """Whether the group's coordinator has certainly not given this worker's partitions to another.

    It gives them away once it has heard nothing for the session timeout. So what was answered renews the
    lease as of the moment when it was asked. A worker that was frozen wakes with a lease that has run out;
    it must not publish before a heartbeat, or a rebalance, has told it whose the partitions are.

    Parameters
    ----------
    seconds
        The session timeout.
    clock
        Returns seconds, as `running_seconds` does.

    Examples
    --------
    >>> now = [100.0]
    >>> lease = Lease(10.0, lambda: now[0])
    >>> lease.renew(as_of=100.0)
    >>> now[0] = 109.0
    >>> lease.is_held
    True
    >>> now[0] = 110.0
    >>> lease.is_held
    False
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = running_seconds) -> None:
        self._seconds = seconds
        self.clock = clock
        self._renewed = clock() - seconds

    def renew(self, as_of: float) -> None:
        """Count from a moment of the clock; from any thread."""
        self._renewed = max(self._renewed, as_of)

    @property
    def is_held(self) -> bool:
        """Whether the session cannot have ended yet."""
        return self.clock() < self._renewed + self._seconds

    async def held(self) -> None:
        """Wait until the lease is held."""
        while not self.is_held:  # noqa: ASYNC110 - it is renewed from another thread
            await asyncio.sleep(_LOOK_AGAIN)
