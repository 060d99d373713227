"""What an app's consumer reads in chunks, and from where."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from faust.types import TP

__all__ = ["NextOffsets", "ReadPlan", "start_offset"]

NextOffsets: TypeAlias = Callable[[frozenset[TP]], Awaitable[Mapping[TP, int]]]


async def _no_state(assigned: frozenset[TP]) -> Mapping[TP, int]:  # noqa: ARG001 (NextOffsets gives it)
    return {}


@dataclass(slots=True)
class ReadPlan:
    """What an app declares while its modules are imported, and its consumer follows.

    Parameters
    ----------
    chunk_topics
        The topics whose records are delivered in chunks.
    next_offsets
        Called after each rebalance, before the first fetch, with the partitions assigned: returns where the
        state wants them to be read from; those it leaves out are read from their committed offset. Faust
        gives the whole seek ``broker_request_timeout`` seconds: recover the state before, in
        ``app.on_rebalance_complete``, for which Faust waits as long as it takes.

    Examples
    --------
    >>> ReadPlan({"clicks"}).chunk_topics
    {'clicks'}
    """

    chunk_topics: set[str] = field(default_factory=set)
    next_offsets: NextOffsets = _no_state


def start_offset(wanted: int | None, earliest: int, end: int) -> int:
    """Return where to read from: ``wanted`` if the log has it or ends there, else the log's start.

    Examples
    --------
    >>> [start_offset(wanted, earliest=5, end=9) for wanted in (None, 4, 5, 9, 10)]
    [5, 5, 5, 9, 5]
    """
    return wanted if wanted is not None and earliest <= wanted <= end else earliest
