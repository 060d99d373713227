"""The clock, read in one place."""

import time

__all__ = ["now_ms"]


def now_ms() -> int:
    """Return the clock in milliseconds since the Unix epoch."""
    return time.time_ns() // 1_000_000
