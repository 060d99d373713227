"""The commits of one partition on their way to its changelog, in their order."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from itertools import takewhile
from typing import Any, NamedTuple

from stream.commits import Commit

__all__ = ["CommitQueue"]


class _Entry(NamedTuple):
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


class CommitQueue:
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
        Called with the error that ended the queue; what is left of it is not settled then.
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
        self._entries: deque[_Entry] = deque()
        self._running: asyncio.Task[None] | None = None

    def add(
        self,
        commit: Commit,
        sending: "asyncio.Task[asyncio.Future[list[Any]]]",
        done: Callable[[], None],
    ) -> "asyncio.Future[None]":
        """Append a commit whose outbox is being sent, after all before it; return its end."""
        settled = asyncio.get_running_loop().create_future()
        self._entries.append(_Entry(commit, sending, settled, done))
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
        for entry in self._entries:
            entry.sending.cancel()
            entry.settled.cancel()
        self._entries.clear()

    async def _run(self) -> None:
        try:
            while self._entries:
                await self._entries[0].outbox_confirmed()
                ready = list(takewhile(lambda entry: entry.is_outbox_confirmed, self._entries))
                await self._append(self.partition, Commit.join(entry.commit for entry in ready))
                for entry in ready:
                    self._entries.popleft()
                    entry.done()
                    entry.settled.set_result(None)
        except Exception as error:  # noqa: BLE001 - whatever it is, it ends the worker: see ``fail``
            await self._fail(error)
        finally:
            self._running = None
