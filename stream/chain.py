"""The commits of one partition on their way to its changelog, in their order."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from itertools import takewhile
from typing import Any, NamedTuple

from stream.commits import Commit

__all__ = ["Chain"]


class _Link(NamedTuple):
    commit: Commit
    sending: "asyncio.Task[asyncio.Future[list[Any]]]"  # its result is the confirmation of the outbox
    settled: "asyncio.Future[None]"
    done: Callable[[], None]

    async def outbox_confirmed(self) -> None:
        """Wait until the broker has the outbox."""
        await (await self.sending)

    @property
    def is_outbox_confirmed(self) -> bool:
        if not self.sending.done() or self.sending.exception() is not None:
            return False
        confirmation = self.sending.result()
        return confirmation.done() and confirmation.exception() is None


class Chain:
    """Appends commits to the changelog once their outboxes are confirmed, one after another.

    Those whose outboxes are confirmed while an earlier one is being appended go together: as one, of which
    the log has all or nothing that counts.

    Parameters
    ----------
    partition
        Whose commits these are.
    append
        Appends commits joined into one, and enters them in the store as confirmed.
    fail
        Called with the error that ended the chain; what is left of it is not settled then.
    """

    def __init__(
        self,
        partition: int,
        append: Callable[[int, Commit], Awaitable[None]],
        fail: Callable[[BaseException], Any],
    ) -> None:
        self.partition = partition
        self._append = append
        self._fail = fail
        self._links: deque[_Link] = deque()
        self._running: asyncio.Task[None] | None = None

    def add(
        self,
        commit: Commit,
        sending: "asyncio.Task[asyncio.Future[list[Any]]]",
        done: Callable[[], None],
    ) -> "asyncio.Future[None]":
        """Append a commit whose outbox is being sent, after all before it; return its end."""
        settled = asyncio.get_running_loop().create_future()
        self._links.append(_Link(commit, sending, settled, done))
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        return settled

    async def ended(self) -> None:
        """Wait until nothing is under way."""
        if self._running is not None:
            await asyncio.wait([self._running])

    def abandon(self) -> None:
        """Append no more."""
        if self._running is not None:
            self._running.cancel()
        for link in self._links:
            link.sending.cancel()
            link.settled.cancel()
        self._links.clear()

    async def _run(self) -> None:
        try:
            while self._links:
                await self._links[0].outbox_confirmed()
                ready = list(takewhile(lambda link: link.is_outbox_confirmed, self._links))
                await self._append(self.partition, Commit.join(link.commit for link in ready))
                for link in ready:
                    self._links.popleft()
                    link.done()
                    link.settled.set_result(None)
        except Exception as error:  # noqa: BLE001 - whatever it is, it ends the worker: see ``fail``
            await self._fail(error)
        finally:
            self._running = None
