"""More events than the workers can handle; the result is the seconds until the rest was handled."""

import time
from random import Random
from typing import Final

from stream.chaos.system import System
from stream.chaos.wait import StormFailed, until

__all__ = ["burst"]

_FLOOD: Final = 10_000.0  # events a second, more than a storm's workers take
_CALM: Final = 100.0
_MEASURE_SECONDS: Final = 10.0
_TIMES_CAPACITY: Final = 3.0
_DRAIN_SECONDS: Final = 1_800.0
# Torch's libraries alone are 500 MiB; what waits is in Kafka, and not in a worker.
_MOST_BYTES: Final = 2 * 2**30


def burst(seconds: float, system: System, draw: Random) -> float:
    """Let in three times what the workers can handle for so many seconds, then wait until it is handled.

    Raises
    ------
    StormFailed
        If a worker takes 2 GiB of memory, or the rest is not handled within half an hour.
    """
    del draw
    system.load.tune(_TIMES_CAPACITY * _capacity(system))
    _watch(system, seconds)
    system.load.tune(_CALM)
    return until(lambda: _has_drained(system), "the burst is handled", _DRAIN_SECONDS)


def _capacity(system: System) -> float:
    """Return how many events a second all workers handle while more of them come than that."""
    system.load.tune(_FLOOD)
    _watch(system, _MEASURE_SECONDS)
    before = _handled(system)
    _watch(system, _MEASURE_SECONDS)
    return max(_CALM, (_handled(system) - before) / _MEASURE_SECONDS)


def _handled(system: System) -> int:
    return sum(member.status().handled for member in system.running)


def _watch(system: System, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        _check_memory(system)
        time.sleep(1.0)


def _check_memory(system: System) -> None:
    system.check()
    resident = max(member.status().resident_bytes for member in system.running)
    if resident > _MOST_BYTES:
        raise StormFailed(f"a worker holds {resident / 2**20:,.0f} MiB of memory")


def _has_drained(system: System) -> bool:
    _check_memory(system)
    return all(member.status().lag < _CALM for member in system.running)
