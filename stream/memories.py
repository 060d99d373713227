"""Filling the model's memory from the examples topic, for a learner that has only followed so far."""

import logging
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from faust.types import TP

from models.batch import Longs
from models.examples import no_examples
from models.names import Names
from stream.brain import Brain
from stream.chunks import Chunk
from stream.lessons import lessons
from stream.model_topic import LogReader
from stream.progress import Progress

__all__ = ["recall"]

_log = logging.getLogger(__name__)
# Of records that are read for themselves: nobody acknowledges them.
_NOWHERE: Final = TP("", 0)


async def recall(brain: Brain, client: Mapping[str, Any], examples: TP, progress: Progress) -> None:
    """Give the model's memory the lines that the learner had who came as far as ``progress``."""
    first, seen = progress.marks[0], progress.remembered
    if seen == brain.recommender.remembered:
        return
    reader = LogReader(client, examples)
    await reader.start(first.position)
    try:
        lines = await _lines(brain, reader, progress)
    finally:
        await reader.stop()
    if len(lines) != seen - first.remembered:
        _log.warning(
            "The examples topic holds %d of the %d examples that the model could rehearse",
            len(lines),
            seen - first.remembered,
        )
    await brain.remember(lines[-brain.recommender.memory :], seen)


async def _lines(brain: Brain, reader: LogReader, progress: Progress) -> Longs:
    """Return the lines of the examples from the first mark to the position, in order."""
    first, found, names = progress.marks[0], [], Names()
    place = Progress(0, {"position": first.position, "learnt_to": first.learnt_to})
    while not await reader.is_at(progress.position):
        records = [record for record in await reader.poll() if record.offset < progress.position]
        for lesson in lessons([Chunk(_NOWHERE, records, 0)] if records else [], names, place):
            found.append(await brain.lines_of(lesson.examples))
            place.learnt(lesson, 0)
    return np.concatenate(found) if found else await brain.lines_of(no_examples())
