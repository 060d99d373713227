"""Filling the model's memory from the examples topic, for a learner that has only followed so far."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from models.batch import Longs
from models.examples import no_examples
from models.memory import NEWEST
from stream.brain import Brain
from stream.model_topic import CommittedReader
from stream.patience import patiently
from stream.progress import Mark, Progress
from stream.rereading import reread

__all__ = ["Memories"]

_log = logging.getLogger(__name__)


class Memories:
    """Gives the memory of a learner that begins the lines that the one before had in it.

    The newest ones come at once, as every step draws on them. The others are read beside the learning: until
    all are there the learner must not rehearse, and so learns the same as one who had them all along.

    Parameters
    ----------
    brain
        Has the memory.
    examples
        Returns a reader of the examples topic.
    """

    def __init__(self, brain: Brain, examples: Callable[[], CommittedReader]) -> None:
        self._brain = brain
        self._examples = examples
        self._reading: asyncio.Task[None] | None = None
        self._forgotten: list[int] = []  # users whose older lines must not come back

    async def begin(self, progress: Progress) -> None:
        """Fill the memory of one who goes on from ``progress``: with the newest lines, the others later."""
        oldest, *later = progress.marks
        newest = [mark for mark in later if mark.remembered <= progress.remembered - NEWEST]
        middle = newest[-1] if newest else oldest
        self._forgotten = []
        await self._brain.clear_memory(progress.remembered)
        await self._fill(middle, progress.mark)
        self._reading = asyncio.create_task(patiently(partial(self._fill, oldest, middle)))

    async def forget(self, who: Sequence[int]) -> int:
        """Forget users by their pseudonyms; return how many of the lines that are there were theirs."""
        if not who:
            return 0
        self._forgotten += who
        return await self._brain.forget(who)

    @property
    def are_whole(self) -> bool:
        """Whether all is there; raises what ended the reading."""
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

    async def _fill(self, first: Mark, last: Mark) -> None:
        """Fill in the lines between two marks, all that come after them being there."""
        missing = last.remembered - first.remembered
        if not missing:
            return
        lines = await self._lines(first, last.position)
        if len(lines) != missing:
            _log.warning(
                "The topic holds %d of the %d examples that the model could rehearse", len(lines), missing
            )
        _blank(lines, self._forgotten)
        # Not a moment between this and the line before: whom the learner forgets next is forgotten there.
        await self._brain.remember(lines, last.remembered)

    async def _lines(self, first: Mark, position: int) -> Longs:
        """Return the lines of the examples from a mark to a position, int64[n, L + 2], in order."""
        found, forgotten = [await self._brain.lines_of(no_examples())], list[int]()
        async for stretch in reread(self._examples(), first, position):
            found.append(await self._brain.lines_of(stretch.examples))
            for lines in found if stretch.forgotten else ():
                _blank(lines, stretch.forgotten)
            forgotten += stretch.forgotten
        self._forgotten += forgotten
        return np.concatenate(found)


def _blank(lines: Longs, who: Sequence[int]) -> None:
    """Have the lines of these users, int64[n, L + 2], teach nothing."""
    lines[np.isin(lines[:, 0], who)] = 0
