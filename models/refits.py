"""When a model that cannot learn event by event is fitted anew."""

from typing import Final

__all__ = ["MAX_REFITS", "Refits"]

MAX_REFITS: Final = 50
_FIRST: Final = 100
_GROWTH: Final = 1.25


class Refits:
    """After 100 events, then whenever the log has grown by a quarter; 50 times at most.

    So until the last one, at 5.6 million events, the newest fit is of four fifths of the log or more, and all
    of them together read it five times.

    Examples
    --------
    >>> refits = Refits()
    >>> [event for event in range(1, 200) if refits.due()]
    [100, 125, 157, 196]
    """

    def __init__(self) -> None:
        self._events = self._done = 0
        self._next: float = _FIRST

    def due(self) -> bool:
        """Count one more event, and say whether it is time."""
        self._events += 1
        if self._done == MAX_REFITS or self._events < self._next:
            return False
        self._done += 1
        self._next *= _GROWTH
        return True
