"""What was erased is taken out of a worker's files, too, and so are copies that nobody keeps up to date."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from time import monotonic
from typing import Any, Final

from stream.profiles import ProfileStore

__all__ = ["Purger"]

# An erasure is due within 60 s: it waits for one look, or a copy that is another's for its time and a look.
# All that comes between two looks is purged in one go, which rewrites the partition's files.
_LOOK_SECONDS: Final = 10.0
_FOREIGN_SECONDS: Final = 20.0


class Purger:
    """Purges the store's files of what was deleted, and drops the copies of partitions that are others'.

    A copy that is not kept up to date still has the users who were erased since. It is spared for a while:
    most rebalances give a partition back at once.

    Parameters
    ----------
    store
        Whose files these are.
    partitions
        How many there are.
    fail
        Called with the error that ended it.
    clock
        Returns seconds that only run forward.
    """

    def __init__(
        self,
        store: ProfileStore,
        partitions: int,
        fail: Callable[[BaseException], Awaitable[Any]],
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._store = store
        self._partitions = partitions
        self._fail = fail
        self._clock = clock
        self._foreign: dict[int, float] = {}  # since when a partition is another worker's
        self._task: asyncio.Task[None] | None = None

    def keep(self, partitions: Iterable[int]) -> None:
        """Begin the work, or go on with it: these partitions are this worker's from now on, no others."""
        now = self._clock()
        others = set(range(self._partitions)) - set(partitions)
        self._foreign = {partition: self._foreign.get(partition, now) for partition in others}
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    async def purge(self) -> None:
        """Do what is due."""
        now = self._clock()
        for partition, since in self._foreign.items():
            if now - since >= _FOREIGN_SECONDS and self._store.changelog_position(partition).log:
                self._store.drop(partition)
        for partition in range(self._partitions):
            await self._store.tickets.purge(partition)

    async def stop(self) -> None:
        """End; what was to be purged is purged after the next start."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None

    async def _run(self) -> None:
        try:
            while True:
                await asyncio.sleep(_LOOK_SECONDS)
                await self.purge()
        except Exception as error:  # noqa: BLE001 - whatever it is, it ends the worker: see ``fail``
            await self._fail(error)
