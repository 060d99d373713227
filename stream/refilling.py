"""Where a learner begins, and what it draws its negatives from: items that taught last, of the examples."""

import asyncio
import logging
from contextlib import aclosing

import numpy as np
from faust.types import TP

from models.names import Names
from stream.brain import Brain
from stream.log_reader import LogReader
from stream.progress import Progress
from stream.replica import Replica
from stream.rereading import Rereading
from stream.wire import Wire

__all__ = ["refill", "resume"]

_log = logging.getLogger(__name__)


async def resume(brain: Brain, replica: Replica, wire: Wire, history: int) -> Progress:
    """Return where a learner goes on that takes over; its model is up to date.

    ``history`` is of how many of the last examples it is to know where they stand.
    """
    examples, saved = TP(wire.examples, 0), replica.newest.progress
    progress = Progress(brain.recommender.negatives.capacity, saved, history)
    end = await replica.end(examples)
    progress.take_over(await asyncio.to_thread(wire.identity), end)
    await refill(brain, LogReader(wire.client, [examples]), examples, progress)
    return progress


async def refill(brain: Brain, reader: LogReader, examples: TP, progress: Progress) -> None:
    """Have the model draw from what it would, had it learnt all itself that led to ``progress``.

    Where the topic no longer holds that, it draws from what is left.

    Parameters
    ----------
    brain
        Has the model.
    reader
        Reads the partition ``examples``; it is opened and closed here.
    examples
        The partition of the examples.
    progress
        Where the learner goes on.
    """
    mark = progress.mark_before(brain.recommender.negatives.capacity)
    rereading = Rereading(reader, examples, mark, Names())
    async with reader, aclosing(rereading.until(progress.position)) as runs:
        items = [run.item[run.teaches].numpy() async for run in runs]
    found = np.concatenate([np.empty(0, np.int64), *items])
    wanted = min(progress.taught - mark.taught, brain.recommender.negatives.capacity)
    if len(found) < wanted:
        _log.warning("The examples hold %d of the last %d items to draw negatives from", len(found), wanted)
    await brain.draw_from(found)
