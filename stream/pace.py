"""Keeps answering and learning together: whoever is ahead waits, for a while."""

import asyncio
from typing import Final

__all__ = ["Pace"]

# Seconds. Answers are late rather than stale, but not for longer: the learner may be elsewhere, or down.
_PATIENCE: Final = 0.5


class Pace:
    """Lets answers run ahead of the lessons by so many events, and no further while the learner moves.

    A backlog is read far faster than it is learnt; without this it would all be ranked by the weights of its
    beginning.

    Parameters
    ----------
    ahead
        Events handed on and not learnt yet, beyond which the answers wait.
    """

    def __init__(self, ahead: int) -> None:
        self._ahead = ahead
        self._behind = 0
        self._moved = asyncio.Event()

    @property
    def is_even(self) -> bool:
        """Whether all that was handed on is learnt."""
        return not self._behind

    async def handed_on(self, events: int) -> None:
        """Count events handed on to the learner; wait while it is too far behind."""
        self._behind += events
        while self._behind > self._ahead:
            self._moved.clear()
            try:
                await asyncio.wait_for(self._moved.wait(), _PATIENCE)
            except TimeoutError:
                self._behind = 0  # it learns elsewhere or not at all: start counting anew
                return

    def learnt(self, events: int) -> None:
        """Count events that the learner has learnt from."""
        self._behind = max(0, self._behind - events)
        self._moved.set()
