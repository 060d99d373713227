"""What the figures of a report were taken with."""

import platform
from functools import cache
from importlib.metadata import version
from typing import Final

__all__ = ["versions"]

_PACKAGES: Final = ("headrace", "faust-streaming", "torch", "river", "kafka-python", "aiokafka")


@cache
def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that the figures depend on, by name.

    Examples
    --------
    >>> versions()["headrace"]
    '0.1.0'
    """
    return {"python": platform.python_version()} | {name: version(name) for name in _PACKAGES}
