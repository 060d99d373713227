"""What the learner publishes, and when: one publication after the other, each of one moment."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from time import monotonic
from typing import Any

from models.budget import Budget
from stream.brain import Brain
from stream.chunks import Chunk
from stream.crash_points import reach
from stream.oversight import Oversight
from stream.progress import Progress
from stream.publication import PUBLISH_SECONDS, News, Publications
from stream.replica import Replica
from stream.wire import Wire

__all__ = ["Publishing"]


class Publishing:
    """A learner's publications, from when it takes over until it lets go.

    Parameters
    ----------
    brain
        Has the model.
    replica
        Knows what the rows are called, and saves what is published.
    wire
        Where to publish.
    acknowledge
        Called with the chunks whose lessons are committed.
    """

    def __init__(
        self, brain: Brain, replica: Replica, wire: Wire, acknowledge: Callable[[Iterable[Chunk]], None]
    ) -> None:
        self._brain, self._replica, self._wire, self._acknowledge = brain, replica, wire, acknowledge
        self._publications = Publications(replica, wire)
        self._under_way: asyncio.Task[None] | None = None
        self._began_at, self._finished = 0.0, list[Chunk]()

    async def open(self) -> None:
        """Fence every learner before this one, and apply what they committed."""
        await self._publications.open()

    async def close(self) -> None:
        """Disconnect; what is under way may come to nothing."""
        await self._publications.close()

    def finish(self, chunks: Iterable[Chunk]) -> None:
        """Have chunks acknowledged with the next publication."""
        self._finished += chunks

    async def are_newest(self) -> bool:
        """Return whether nobody has written to the model topic after this one.

        Raises
        ------
        stream.publication.LearnerReplaced
            If that was found out before.
        """
        if self._under_way is not None:
            await self._under_way
        return await self._publications.are_newest()

    async def publish_if_due(self, progress: Progress, oversight: Oversight) -> None:
        """Begin to publish what is new, if the last publication is done and long enough ago."""
        if monotonic() - self._began_at < PUBLISH_SECONDS:
            return
        if self._under_way is not None and not self._under_way.done():
            return  # what comes meanwhile goes with the next
        if self._under_way is not None:
            self._under_way.result()
        if oversight.has_news or self._has_news(progress):
            self._began_at = monotonic()
            news = News(progress.take_steps(), oversight.take_decisions())
            self._under_way = asyncio.create_task(await self._prepare(progress, news, self._wire.budget))

    async def publish_all(self, progress: Progress, oversight: Oversight, *, is_anew: bool = False) -> None:
        """Publish all that is new, and wait for it; ``is_anew`` as in `News`."""
        if self._under_way is not None:
            await self._under_way
        if oversight.has_news or is_anew or self._has_news(progress):
            news = News(progress.take_steps(), oversight.take_decisions(), is_anew)
            await (await self._prepare(progress, news, None))

    def _has_news(self, progress: Progress) -> bool:
        return bool(progress.has_steps or self._finished or self._brain.recommender.waiting)

    async def _prepare(
        self, progress: Progress, news: News, budget: Budget | None
    ) -> Coroutine[Any, Any, None]:
        """Return a publication of all that is new, or of the rows what the budget allows."""
        chunks, self._finished = self._finished, []
        reached = progress.to_dict()
        part = await self._brain.take_changes(budget)
        names = self._replica.names

        async def publish() -> None:
            named = part._replace(names=await asyncio.to_thread(names.of, part.rows.key.tolist()))
            offset = await self._publications.publish(named, reached, news)
            reach("published-not-saved")
            self._replica.checkpointer.save(named, offset, reached)
            self._acknowledge(chunks)

        return publish()
