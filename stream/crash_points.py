"""Named places in a worker where it can be told to kill itself, to meet crashes at their worst moments.

| name | the worker has |
| --- | --- |
| ``saved-not-published`` | committed a batch, and published nothing of it |
| ``erased-not-published`` | erased users, and published nothing of it |
| ``published-not-confirmed`` | appended a commit to the changelog, its outbox confirmed, and not noted it |
| ``checkpoint-writing`` | written half of a checkpoint |
| ``checkpoint-before-rename`` | written a checkpoint under its temporary name |
| ``saved-not-acknowledged`` | saved a checkpoint, and not acknowledged what it holds |
| ``published-not-saved`` | published what was learnt, and not saved it |
"""

import os
import signal
from typing import Final

__all__ = ["arm", "reach"]

# How often each armed point may still be reached; empty but in the tests and benchmarks of crashes.
_left: Final[dict[str, int]] = {}


def arm(where: str) -> None:
    """Let the process end at ``name:nth``, the nth time the point is reached; nowhere where it is empty.

    Examples
    --------
    >>> arm("saved-not-published:2")
    >>> reach("saved-not-published")
    >>> arm("")
    """
    _left.clear()
    if where:
        name, _, nth = where.rpartition(":")
        _left[name] = int(nth)


def reach(name: str) -> None:
    """End the process by SIGKILL if it was told to end here; otherwise this costs a look at a dict."""
    if name in _left:
        _left[name] -= 1
        if _left[name] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
