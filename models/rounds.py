"""The events of a batch in rounds of at most one event of a user, so that a round is a vector step."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from models.batch import Longs

__all__ = ["Rounds"]


class Rounds(NamedTuple):
    """Which event of its user in this batch each event is, and which one came before it.

    Examples
    --------
    >>> rounds = Rounds.of(np.array([5, 5, 3, 5]))
    >>> rounds.nth.tolist(), rounds.previous.tolist()
    ([0, 1, 0, 2], [-1, 0, -1, 1])
    >>> [events.tolist() for events in rounds.events()]
    [[0, 2], [1], [3]]
    """

    nth: Longs  # int64[M], from 0
    previous: Longs  # int64[M], an index into the same M events; -1 for none

    @classmethod
    def of(cls, row: Longs) -> "Rounds":
        """Return the rounds of events whose users are int64[M]."""
        order = np.argsort(row, kind="stable")
        by_user = row[order]
        first = np.ones(len(row), dtype=np.bool_)
        first[1:] = by_user[1:] != by_user[:-1]
        position = np.arange(len(row))
        nth, previous = np.empty_like(order), np.empty_like(order)
        nth[order] = position - np.maximum.accumulate(np.where(first, position, 0))
        previous[order] = np.where(first, -1, np.roll(order, 1))
        return cls(nth, previous)

    def events(self) -> Iterator[Longs]:
        """Yield the events of each round, int64[R]."""
        order = np.argsort(self.nth, kind="stable")
        stops = np.cumsum(np.bincount(self.nth))
        yield from np.split(order, stops)[: len(stops)]
