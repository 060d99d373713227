"""Keeps answering and learning together: whoever is ahead waits, for a while."""

import asyncio
from contextlib import suppress
from typing import Final

__all__ = ["Pace"]

# Batches that may be answered before the learner has learnt from them: each more is staler weights, and
# one is always on its way through Kafka.
_BATCHES_AHEAD: Final = 3
# Seconds a batch waits at most: answers are late rather than stale, but never stopped by a learner that is.
_PATIENCE: Final = 0.5


class Pace:
    """Lets answers run ahead of the lessons by so many events, and no further while the learner moves.

    A backlog is read far faster than it is learnt; without this it would all be ranked by the weights of its
    beginning.

    Parameters
    ----------
    batch
        Events of a batch, at most.
    """

    def __init__(self, batch: int) -> None:
        self._ahead = _BATCHES_AHEAD * batch
        self._behind = 0
        self._moved = asyncio.Event()

    def begin_anew(self) -> None:
        """Count from here: the learner is another one now, or has moved to or from another worker."""
        self._behind = 0
        self._moved.set()

    async def handed_on(self, events: int) -> None:
        """Count events handed on to the learner; wait while it is too far behind."""
        self._behind += events
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                while self._behind > self._ahead:
                    self._moved.clear()
                    await self._moved.wait()

    def learnt(self, events: int) -> None:
        """Count events that the learner has learnt from."""
        self._behind = max(0, self._behind - events)
        self._moved.set()
