"""The end of a batch: what it says is confirmed by the broker, and only then its records are acknowledged."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from stream.crash_points import reach
from stream.outbox import Letter, sorted_by_destination
from stream.profiles import Commit, ProfileStore
from stream.publisher import Outgoing, Publisher

__all__ = ["Settlement"]

# Batches whose confirmation may be outstanding; the broker answers within milliseconds.
_IN_FLIGHT: Final = 16
# A worker that is told to stop has 5 s in all.
_DRAIN_SECONDS: Final = 3.0


class Settlement:
    """Publishes what commits say, and finishes each when the broker has it.

    Parameters
    ----------
    publisher
        Sends the records.
    store
        Where a confirmed outbox is dropped.
    changelog
        The full name of the profiles' changelog topic.
    fail
        Called with the error when the broker does not take something: nothing may go on then.
    """

    def __init__(
        self, publisher: Publisher, store: ProfileStore, changelog: str, fail: Callable[[BaseException], Any]
    ) -> None:
        self._publisher = publisher
        self._store = store
        self._changelog = changelog
        self._fail = fail
        self._slots = asyncio.Semaphore(_IN_FLIGHT)
        self._open: set[asyncio.Task[None]] = set()

    async def begin(self, partition: int, commit: Commit, done: Callable[[], None]) -> None:
        """Send the commit's changelog and letters; ``done`` is called once the broker has them all.

        It waits only while too many commits are unconfirmed. Where its caller is cancelled while it sends,
        the rest is sent all the same: a stop in good order leaves no commit half told.
        """
        await self._slots.acquire()
        sending = asyncio.create_task(self._publish(partition, commit))
        task = asyncio.create_task(self._finish(partition, commit, sending, done))
        self._open.add(task)
        task.add_done_callback(self._open.discard)
        await asyncio.shield(sending)

    async def resend(self, partition: int) -> None:
        """Publish what a commit of an earlier run had to say, byte for byte, and wait for the broker."""
        for commit in self._store.unconfirmed(partition):
            await self.begin(partition, commit, lambda: None)
        await self.drain()

    async def drain(self) -> None:
        """Wait until all that was begun is confirmed, or has failed, or the broker is too long about it."""
        if self._open:
            await asyncio.wait(self._open, timeout=_DRAIN_SECONDS)

    def abandon(self) -> None:
        """Wait no longer for what was begun: it stays in the store, and is sent by the next start."""
        for task in self._open:
            task.cancel()

    async def _publish(self, partition: int, commit: Commit) -> "list[asyncio.Future[list[Any]]]":
        changes = [Outgoing(name, value) for name, value in commit.changelog]
        letters = map(Letter.from_bytes, commit.outbox)
        sent = [await self._publisher.publish(self._changelog, partition, changes)]
        for (topic, to_partition), records in sorted_by_destination(letters):
            sent.append(await self._publisher.publish(topic, to_partition, records))
        return sent

    async def _finish(
        self,
        partition: int,
        commit: Commit,
        sending: "asyncio.Task[list[asyncio.Future[list[Any]]]]",
        done: Callable[[], None],
    ) -> None:
        try:
            await asyncio.gather(*await sending)
            reach("published-not-confirmed")
            self._store.confirm(partition, commit.ticket)
            done()
        except Exception as error:  # noqa: BLE001 - whatever it is, it ends the worker: see ``fail``
            await self._fail(error)
        finally:
            self._slots.release()
