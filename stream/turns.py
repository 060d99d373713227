"""Work on several partitions side by side, where that of one partition goes in order."""

import asyncio
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self

__all__ = ["Turns"]


class Turns:
    """Starts what is asked for as soon as its partition's last has ended and fewer than ``limit`` run.

    While one batch is with the model's thread, another one's profiles are read and its answers written.
    What fails cancels the others and the block that uses this, and is raised where the block ends.

    Parameters
    ----------
    limit
        How much may be under way.

    Examples
    --------
    >>> async def say(partition: int, text: str) -> None:
    ...     await asyncio.sleep(0)
    ...     print(partition, text)
    >>> async def main() -> None:
    ...     async with Turns(limit=2) as turns:
    ...         for partition, text in ((0, "first"), (0, "then"), (1, "beside")):
    ...             await turns.start(partition, say(partition, text))
    >>> asyncio.run(main())
    0 first
    0 then
    1 beside
    """

    def __init__(self, limit: int) -> None:
        self._slots = asyncio.Semaphore(limit)
        self._group = asyncio.TaskGroup()
        self._last: dict[int, asyncio.Task[None]] = {}  # by partition

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            await self._group.__aexit__(kind, error, trace)
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from None  # the first; the others were cancelled for it

    async def start(self, partition: int, work: Coroutine[Any, Any, None]) -> None:
        """Start ``work`` on a partition; wait until its turn has come."""
        try:
            if partition in self._last:
                await asyncio.wait([self._last[partition]])
            await self._slots.acquire()
        except asyncio.CancelledError:
            work.close()
            raise
        task = self._group.create_task(work)
        task.add_done_callback(lambda _: self._slots.release())
        self._last[partition] = task
