"""What is read from how a course went: when so much was learnt, when the hit rate was back."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from stream.evaluation import Standing

__all__ = ["back_after", "events_at"]

# The hit rate is back once 5,000 scored events in a row come to so much of what it was.
_BACK: Final = 0.95
_SPAN: Final = 5_000


def events_at(curve: Sequence[Standing], examples: int) -> int:
    """Return how many events there were by the batch in which so many examples were learnt."""
    return next(it.events for it in curve if it.examples >= examples)


def back_after(curve: Sequence[Standing], change: int) -> int | None:
    """Return how many events after a change, given in events, the hit rate is back; None where it is not."""
    hits = np.array([sum(it.ranks["headrace"][1:]) for it in curve])
    scored = np.array([sum(it.ranks["headrace"]) for it in curve])
    events = np.array([it.events for it in curve])
    at = int(np.searchsorted(events, change))
    usual = (hits[at] - hits[np.searchsorted(scored, scored[at] - 3 * _SPAN)]) / (3 * _SPAN)
    for place in range(at, len(curve)):
        start = int(np.searchsorted(scored, scored[place] - _SPAN))
        if start >= at and (hits[place] - hits[start]) / (scored[place] - scored[start]) >= _BACK * usual:
            return int(events[place] - change)
    return None
