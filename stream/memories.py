"""Filling the model's memory from the examples topic, for a learner that has only followed so far."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from functools import partial

import numpy as np
from faust.types import TP

from models.batch import Longs
from models.examples import no_examples
from models.memory import NEWEST
from stream.brain import Brain
from stream.log_reader import LogReader
from stream.patience import retry_while_broker_away
from stream.progress import Progress, ReplayPoint
from stream.rereading import reread

__all__ = ["Memories"]

_log = logging.getLogger(__name__)


class Memories:
    """Gives the memory of a learner that begins the lines that the one before had in it.

    The newest ones come at once, as every step draws on them. The others are read beside the learning: until
    all are there the learner must not replay, and so learns the same as one who had them all along.

    Parameters
    ----------
    brain
        Has the memory.
    examples
        The partition of the examples.
    reader
        Returns a new connection to read these partitions by.
    """

    def __init__(self, brain: Brain, examples: TP, reader: Callable[[list[TP]], LogReader]) -> None:
        self._brain = brain
        self._examples = examples
        self._reader = reader
        self._reading: asyncio.Task[None] | None = None
        self._erased_users = set[int]()  # users whose lines from before what is there must not come back

    async def begin(self, progress: Progress) -> None:
        """Fill the memory of one who goes on from ``progress``: with the newest lines, the others later."""
        oldest, *later = progress.replay_points
        newest = [point for point in later if point.remembered <= progress.remembered - NEWEST]
        middle = newest[-1] if newest else oldest
        self._erased_users = set()
        await self._brain.clear_memory(progress.remembered)
        await self._fill(middle, progress.replay_point)
        self._reading = asyncio.create_task(retry_while_broker_away(partial(self._fill, oldest, middle)))

    async def forget(self, who: Sequence[int]) -> int:
        """Forget users by their pseudonyms; return how many of the lines that are there were theirs."""
        if not who:
            return 0
        self._erased_users |= {*who}
        return await self._brain.forget(who)

    @property
    def are_whole(self) -> bool:
        """Whether all is there, between `begin` and `end`; raises what ended the reading."""
        if self._reading is None or not self._reading.done():
            return False
        self._reading.result()
        return True

    async def end(self) -> None:
        """Remember nothing more."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait([self._reading])
            self._reading = None
        await self._brain.clear_memory(0)

    async def _fill(self, first: ReplayPoint, last: ReplayPoint) -> None:
        """Fill in the lines between two replay points, all that come after them being there."""
        missing = last.remembered - first.remembered
        if not missing:
            return
        lines, erased = await self._lines(first, last.position)
        if len(lines) != missing:
            _log.warning(
                "The topic holds %d of the %d examples that the model could replay", len(lines), missing
            )
        _blank(lines, dict.fromkeys(self._erased_users, len(lines)))
        self._erased_users |= erased.keys()
        # The lines are handed on in this very moment: whom the learner forgets next is forgotten there.
        await self._brain.remember(lines, last.remembered)

    async def _lines(self, first: ReplayPoint, position: int) -> tuple[Longs, dict[int, int]]:
        """Return the lines up to a position, int64[n, L + 2], and how many precede an erasure."""
        found, erased, count = [await self._brain.lines_of(no_examples())], dict[int, int](), 0
        async with (
            self._reader([self._examples]) as reader,
            aclosing(reread(reader, self._examples, first, position)) as runs,
        ):
            async for run in runs:
                found.append(await self._brain.lines_of(run.examples))
                count += len(found[-1])
                erased |= dict.fromkeys(run.erased_users, count)
        # Half a million lines take some 60 ms, that answers need not wait for.
        return await asyncio.to_thread(_joined, found, erased), erased


def _joined(found: Sequence[Longs], erased: Mapping[int, int]) -> Longs:
    lines = np.concatenate(found)
    _blank(lines, erased)
    return lines


def _blank(lines: Longs, erased: Mapping[int, int]) -> None:
    """Have lines, int64[n, L + 2], teach nothing that are of these users and before a place, by user."""
    who = np.array(sorted(erased), dtype=np.int64)  # int64[f]
    if not len(who):
        return
    before = np.array([erased[one] for one in who.tolist()])  # int64[f]
    at = np.searchsorted(who, lines[:, 0]).clip(max=len(who) - 1)  # int64[n]
    lines[(who[at] == lines[:, 0]) & (np.arange(len(lines)) < before[at])] = 0
