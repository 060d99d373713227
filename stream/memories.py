"""Filling the model's memory from the examples topic, for a learner that has only followed so far."""

import logging
from collections.abc import Callable
from typing import Final

import numpy as np
from faust.types import TP

from models.batch import Longs
from models.examples import no_examples
from models.names import Names
from stream.brain import Brain
from stream.chunks import Chunk
from stream.lessons import lessons
from stream.model_topic import CommittedReader
from stream.progress import Mark, Progress

__all__ = ["recall"]

_log = logging.getLogger(__name__)
# Of records that are read for themselves: nobody acknowledges them.
_NOWHERE: Final = TP("", 0)


async def recall(
    brain: Brain, reader: Callable[[], CommittedReader], first: Mark, progress: Progress
) -> None:
    """Give the model's memory the lines that the learner had who came as far as ``progress``.

    From ``first`` on they are read from the topic, by a ``reader`` of it; those before it the memory has, or
    needs them no more.
    """
    missing = progress.remembered - first.remembered
    if not missing:
        return
    examples = reader()
    await examples.start(first.position)
    try:
        lines = await _lines(brain, examples, first, progress)
    finally:
        await examples.stop()
    if len(lines) != missing:
        _log.warning(
            "The topic holds %d of the %d examples that the model could rehearse", len(lines), missing
        )
    await brain.remember(lines, progress.remembered)


async def _lines(brain: Brain, reader: CommittedReader, first: Mark, progress: Progress) -> Longs:
    """Return the lines of the examples from the first mark to the position, in order."""
    found, names = [], Names()
    place = Progress(0, {"position": first.position, "learnt_to": first.learnt_to})
    while not await reader.is_at(progress.position):
        records = [record for record in await reader.poll() if record.offset < progress.position]
        for lesson in lessons([Chunk(_NOWHERE, records, 0)] if records else [], names, place):
            found.append(await brain.lines_of(lesson.examples))
            place.learnt(lesson, 0)
    return np.concatenate(found) if found else await brain.lines_of(no_examples())
