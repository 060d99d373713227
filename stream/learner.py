"""The part of the one worker that learns: it keeps account of its steps, and publishes what came of them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, TypeVar

from models.guardrails import Unfit
from stream.brain import Brain
from stream.challenge.hands import NotLearning, Replaced
from stream.challenge.kept import KeptModel
from stream.lessons import Learnt, Lesson
from stream.oversight import Oversight
from stream.patience import retry_while_broker_away, shielded
from stream.progress import Progress
from stream.publication import LearnerBehind, LearnerReplaced
from stream.publishing import Publishing
from stream.refilling import resume
from stream.replica import Replica
from stream.wire import Wire

__all__ = ["Learner"]

_log = logging.getLogger(__name__)
_END_SECONDS: Final = 3.0  # of the 5 that a worker has to stop

_Result = TypeVar("_Result")
_New = Callable[[], Publishing]


class Learner:
    """Learns lesson after lesson; only between `begin` and `end`.

    Parameters
    ----------
    brain, replica
        The one has the model, the other brings it up to date before the learning begins, and follows after.
    wire, publishing
        Where to publish; the latter returns what is to publish from a takeover on.
    oversight
        Decides what is to become of the model.

    Attributes
    ----------
    progress
        Where it stands.
    has_stepped_back
        Whether it had to since it began: another has begun, or a promotion has failed half-way.
    reading
        The number of the reading of the examples that lessons must be of; None until there is a new one.
    """

    def __init__(
        self, brain: Brain, replica: Replica, wire: Wire, publishing: _New, *, oversight: Oversight
    ) -> None:
        self._brain, self._replica, self._wire = brain, replica, wire
        self._new_publishing, self._oversight = publishing, oversight
        self._publishing: Publishing | None = None
        self._turn = asyncio.Lock()  # held while the model is ahead of the progress
        self.progress, self.has_stepped_back = Progress(0, {}), False
        self.reading: int | None = 0

    @property
    def is_learning(self) -> bool:
        """Whether the part of the learner is this worker's."""
        return self._publishing is not None

    async def begin(self) -> None:
        """Take over from whoever learnt before: fence it, catch up with what it published."""
        if not await self._go_on_or_step_back():
            await retry_while_broker_away(self._begin)
            _log.info("Learning from offset %d of the examples on", self.progress.position)

    async def _begin(self) -> None:
        await self._replica.pause()
        publishing = self._new_publishing()
        try:
            await publishing.open()
            self.progress = await resume(self._brain, self._replica, self._wire, self._oversight.history)
            await self._oversight.begin(self, self.progress)
        except BaseException:
            await publishing.close()
            raise
        self._publishing, self.has_stepped_back = publishing, False

    async def _go_on_or_step_back(self) -> bool:
        """Return whether this one learns, and no other has while it was away; step back if one has."""
        async with self._turn:
            if self._publishing is not None:
                with suppress(LearnerReplaced):
                    if await retry_while_broker_away(self._publishing.are_newest):
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
        try:
            if self._publishing is not None:
                await self._publishing.publish_all(self.progress, self._oversight)
                self._replica.follow()
        except LearnerReplaced:
            await self._step_back()

    async def _step_back(self, reason: str = "another worker learns now") -> None:
        """Forget what was learnt and not published, and follow whoever learns."""
        _log.warning("What is not published is forgotten: %s", reason)
        self.has_stepped_back = True
        await self._let_go()
        await self._brain.reset()
        await self._replica.begin_anew()

    async def _let_go(self) -> None:
        publishing, self._publishing = self._publishing, None
        await self._oversight.end()
        if publishing is not None:
            await publishing.close()

    @shielded  # a step in the model's thread goes on, and must be on record
    async def learn(self, lesson: Lesson) -> Learnt | None:
        """Test the model on a lesson and learn from it; None if it comes again, or has come to another."""
        async with self._turn:
            if self._publishing is None or not lesson.follows(self.reading, self.progress.position):
                return None
            is_new = lesson.start >= self.progress.tested_to
            learnt = await self._brain.test_and_learn(lesson.examples, is_new=is_new)
            lesson.refuse(learnt)
            self.progress.learnt(lesson)
            await self._oversight.notice(lesson, learnt.alarms, self.progress)
            self._publishing.finish(chunk for chunk, dead_letters in lesson.finished if not dead_letters)
        await self.publish_if_due()
        return learnt

    @shielded
    async def publish_if_due(self) -> None:
        """Publish what is new, if the last publication is long enough ago."""
        async with self._turn:
            try:
                if self._publishing is not None:
                    await self._publishing.publish_if_due(self.progress, self._oversight)
            except LearnerReplaced:
                await self._step_back()

    async def in_turn(self, call: Callable[[Progress], Awaitable[_Result]]) -> _Result:
        """Return what a call returns that is made between two lessons."""
        async with self._turn:
            if self._publishing is None:
                raise NotLearning
            return await call(self.progress)

    async def keep(self) -> KeptModel:
        """Return the model as it is; only from within a turn."""
        brain, here = self._brain, self.progress.here
        return await brain.call(KeptModel.of, brain.recommender, here, self._replica.names)

    @shielded
    async def replace(self, successor: KeptModel, decide: Replaced) -> None:
        """Put another model in the place of the one that learns, and publish all of that at once."""
        async with self._turn:
            if self._publishing is None:
                raise NotLearning
            try:
                await self._replace(self._publishing, successor, decide)
            except LearnerReplaced:
                await self._step_back()
            except Exception as error:
                if not isinstance(error, Unfit):
                    self._oversight.note_failure(error)
                    await self._step_back(f"half-way into a promotion, {error!r}")
                raise

    async def _replace(self, publishing: Publishing, successor: KeptModel, decide: Replaced) -> None:
        await publishing.publish_all(self.progress, self._oversight)
        champion = await self.keep()
        successor.name(self._replica.names)
        await self._brain.succeed(successor)
        self.progress.go_back_to(successor.place)
        self.reading = None
        await decide(champion, self.progress)
        await publishing.publish_all(self.progress, self._oversight, is_anew=True)
