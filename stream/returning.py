"""Has the examples read again: where another has learnt meanwhile, or the learner's model is another."""

import asyncio
from collections.abc import Callable

from faust.types import TP

from stream.consumer import ChunkConsumer
from stream.learner import Learner

__all__ = ["Returning"]


class Returning:
    """Brings back a learner that has stepped back, or gone back, as long as this worker has the examples.

    It goes on beside the taking in of lessons, which come to nothing meanwhile: those at hand do not follow
    on where the learner stands.

    Parameters
    ----------
    learner
        That may have stepped back, or gone back.
    examples
        The partition of the lessons.
    consumer
        Returns the app's consumer.
    """

    def __init__(self, learner: Learner, examples: TP, consumer: Callable[[], ChunkConsumer]) -> None:
        self._learner = learner
        self._examples = examples
        self._consumer = consumer
        self._task: asyncio.Task[None] | None = None
        self._readings = 0

    def look(self) -> None:
        """Begin to come back if that is due; raise what ended it the last time."""
        if self._task is not None and self._task.done():
            task, self._task = self._task, None
            task.result()
        if self._task is None and (self._learner.has_stepped_back or self._learner.reading is None):
            self._learner.reading = None
            self._task = asyncio.create_task(self._return())

    async def _return(self) -> None:
        consumer = self._consumer()
        await consumer.lease.held()
        await consumer.read_again(self._examples)
        self._readings += 1
        self._learner.reading = self._readings
