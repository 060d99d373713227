"""Waiting for what must happen, with a deadline."""

import time
from collections.abc import Callable
from typing import Final

from stream.errors import StreamError

__all__ = ["StormFailed", "until"]

_LOOK_SECONDS: Final = 0.02


class StormFailed(StreamError):
    """Something that a storm waits for did not happen."""


def until(condition: Callable[[], bool], what: str, seconds: float) -> float:
    """Wait for a condition; return the seconds that it took.

    Raises
    ------
    StormFailed
        If it does not hold in time; ``what`` says what it is.
    """
    begin = time.monotonic()
    while not condition():
        if time.monotonic() > begin + seconds:
            raise StormFailed(f"not within {seconds:.0f} s: {what}")
        time.sleep(_LOOK_SECONDS)
    return time.monotonic() - begin
