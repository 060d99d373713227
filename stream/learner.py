"""The part of the one worker that learns: it keeps account of its steps, and publishes what came of them."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from time import monotonic
from typing import Any, Final

from faust.types import TP

from models.budget import Budget
from stream.brain import Brain
from stream.chunks import Chunk
from stream.crash_points import reach
from stream.lessons import Learnt, Lesson
from stream.log_reader import LogReader
from stream.patience import retry_while_broker_away, shielded
from stream.progress import Progress
from stream.publication import PUBLISH_SECONDS, LearnerBehind, LearnerReplaced, Publications, Wire
from stream.refilling import refill
from stream.replica import Replica

__all__ = ["Learner"]

_log = logging.getLogger(__name__)
_END_SECONDS: Final = 3.0  # of the 5 that a worker has to stop


class Learner:
    """Learns lesson after lesson, and publishes; only between `begin` and `end`.

    Parameters
    ----------
    brain
        Has the model.
    replica
        Brings it up to date before the learning begins, and follows again afterwards.
    wire
        Where to publish.
    acknowledge
        Called with the chunks whose lessons are committed.
    """

    def __init__(
        self, brain: Brain, replica: Replica, wire: Wire, acknowledge: Callable[[Iterable[Chunk]], None]
    ) -> None:
        self._brain, self._replica = brain, replica
        self._wire = wire
        self._examples = TP(wire.examples, 0)
        self._acknowledge = acknowledge
        self._publications: Publications | None = None
        self._turn = asyncio.Lock()  # held while the model is ahead of the progress
        self._publishing: asyncio.Task[None] | None = None
        self._published_at, self._finished = 0.0, list[Chunk]()
        self.progress = Progress(0, {})  # where it stands
        self.was_replaced = False  # whether another has begun since this one did

    @property
    def is_learning(self) -> bool:
        """Whether the part of the learner is this worker's."""
        return self._publications is not None

    async def begin(self) -> None:
        """Take over from whoever learnt before: fence it, catch up with what it published."""
        if not await self._goes_on():
            await retry_while_broker_away(self._begin)
            _log.info("Learning from offset %d of the examples on", self.progress.position)

    async def _begin(self) -> None:
        await self._replica.pause()
        publications = Publications(self._replica, self._wire)
        try:
            await publications.open()
            window = self._brain.recommender.negatives.capacity
            self.progress = Progress(window, self._replica.newest.progress)
            end = await self._replica.end(self._examples)
            self.progress.take_over(await asyncio.to_thread(self._wire.identity), end)
            reader = LogReader(self._wire.client, [self._examples])
            await refill(self._brain, reader, self._examples, self.progress)
        except BaseException:
            await publications.close()
            raise
        self._publications, self.was_replaced = publications, False

    async def _goes_on(self) -> bool:
        """Return whether this one learns, and no other has while it was away; else it has stepped back."""
        async with self._turn:
            if self._publications is None:
                return False
            with suppress(LearnerReplaced):
                if self._publishing is not None:
                    await self._publishing
                if await retry_while_broker_away(self._publications.are_newest):
                    return True
            await self._step_back()
            return False

    async def end(self) -> None:
        """Publish what is left, and leave the learning to others.

        Raises
        ------
        LearnerBehind
            If the broker does not take it in time: the model is ahead of what others know then.
        """
        try:
            async with asyncio.timeout(_END_SECONDS), self._turn:
                await self._leave()
        except TimeoutError:
            raise LearnerBehind from None
        finally:
            await self._let_go()

    async def _leave(self) -> None:
        if self._publications is None:
            return
        try:
            await self._publish_all(self._publications)
            self._replica.follow()
        except LearnerReplaced:
            await self._step_back()

    async def _step_back(self) -> None:
        """Forget what was learnt and not published before another took over, and follow that one."""
        _log.warning("Another worker learns now: this one was away for too long, and follows it")
        self.was_replaced, self._finished = True, []
        await self._let_go()
        await self._brain.reset()
        await self._replica.begin_anew()

    async def _let_go(self) -> None:
        publications, self._publications, self._publishing = self._publications, None, None
        if publications is not None:
            await publications.close()

    @shielded  # a step in the model's thread goes on, and must be on record
    async def learn(self, lesson: Lesson) -> Learnt | None:
        """Test the model on a lesson and learn from it; None if it comes again, or has come to another."""
        async with self._turn:
            if not self.is_learning or lesson.start != self.progress.position:
                return None
            examples = lesson.examples
            loss = await self._brain.test_and_learn(examples) if len(examples.item) else None
            self.progress.learnt(lesson)
            self._finished += [chunk for chunk, dead in lesson.finished if not dead]
            await self._publish_if_due()
            return Learnt(loss)

    @shielded
    async def publish_if_due(self) -> None:
        """Publish what is new, if the last publication is long enough ago."""
        async with self._turn:
            await self._publish_if_due()

    async def _publish_if_due(self) -> None:
        if self._publications is None or monotonic() - self._published_at < PUBLISH_SECONDS:
            return
        if self._publishing is not None and not self._publishing.done():
            return  # what comes meanwhile goes with the next
        try:
            if self._publishing is not None:
                self._publishing.result()
        except LearnerReplaced:
            await self._step_back()
            return
        if self._has_news:
            self._published_at = monotonic()
            self._publishing = asyncio.create_task(await self._prepare(self._publications, self._wire.budget))

    async def _publish_all(self, publications: Publications) -> None:
        if self._publishing is not None:
            await self._publishing
        if self._has_news:
            await (await self._prepare(publications, None))

    @property
    def _has_news(self) -> bool:
        return bool(self.progress.has_steps or self._finished or self._brain.recommender.waiting)

    async def _prepare(self, publications: Publications, budget: Budget | None) -> Coroutine[Any, Any, None]:
        """Return a publication of all that is new, or of the rows what the budget allows."""
        chunks, self._finished = self._finished, []
        steps, progress = self.progress.take_steps(), self.progress.to_dict()
        part = await self._brain.take_changes(budget)
        names = self._replica.names

        async def publish() -> None:
            named = part._replace(names=await asyncio.to_thread(names.of, part.rows.key.tolist()))
            offset = await publications.publish(named, progress, steps)
            reach("published-not-saved")
            self._replica.checkpointer.save(named, offset, progress)
            self._acknowledge(chunks)

        return publish()
