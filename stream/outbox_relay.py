"""The end of a batch: its outbox is confirmed by the broker, then its changes, and only then is it done.

So the changelog never leads the outbox. Who rebuilds a partition from it reads the sources from its offsets:
what is folded already drops out as repeats, and has been answered; the rest is answered then.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, Final

from stream.changelog_writer import ChangelogWriter
from stream.commit_queue import CommitQueue
from stream.commits import Commit
from stream.leased import LeasedPublisher
from stream.outbox import OutboxRecord, sorted_by_destination

__all__ = ["OutboxRelay"]

# Batches whose confirmation may be outstanding; the broker answers within milliseconds.
_IN_FLIGHT: Final = 16
# A worker that is told to stop has 5 s in all, and a rebalance should not wait longer for one worker.
_DRAIN_SECONDS: Final = 3.0


class OutboxRelay:
    """Publishes what commits say, and finishes each when the broker has it.

    It handles a partition from `open` to `leave`; commits of any other stay in the store.

    Parameters
    ----------
    publisher
        Sends the outbox.
    writer
        Appends to the changelog.
    fail
        Called with the error when the broker does not take something: nothing may go on then.
    """

    def __init__(
        self, publisher: LeasedPublisher, writer: ChangelogWriter, fail: Callable[[BaseException], Any]
    ) -> None:
        self._publisher = publisher
        self._writer = writer
        self._fail = fail
        self._slots = asyncio.Semaphore(_IN_FLIGHT)
        self._queues: dict[int, CommitQueue] = {}
        self._turns: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)

    def turn(self, partition: int) -> asyncio.Lock:
        """Return what must be held from reading what a commit changes until the commit is begun.

        Two agents change the profiles of a partition: what one has read, the other must not erase meanwhile.
        """
        return self._turns[partition]

    def holds(self, partition: int) -> bool:
        """Return whether commits of a partition are settled here."""
        return partition in self._queues

    async def open(self, partition: int, unconfirmed: Commit) -> None:
        """Settle commits of a partition from now on, and first what was not confirmed before."""
        queue = self._queues[partition] = CommitQueue(partition, self._writer.append, self._fail)
        if unconfirmed.tickets:
            await self.begin(partition, unconfirmed, lambda: None)
            await queue.ended()

    async def begin(self, partition: int, commit: Commit, done: Callable[[], None]) -> None:
        """Send the commit's outbox; ``done`` is called once the broker has it and the changelog.

        It waits only while too many commits are unconfirmed. Where its caller is cancelled while it sends,
        the rest is sent all the same: a stop in good order leaves no commit half sent.
        """
        await self._slots.acquire()
        queue = self._queues.get(partition)
        if queue is None:
            self._slots.release()
            return
        sending = asyncio.create_task(self._send(commit.outbox))
        queue.add(commit, sending, done).add_done_callback(lambda _: self._slots.release())
        await asyncio.wait([sending])

    async def send_and_wait(self, outbox: Iterable[bytes]) -> None:
        """Send records that belong to no commit, and wait until the broker has them."""
        await (await self._send(outbox))

    async def leave(self, partitions: Iterable[int]) -> None:
        """Finish what was begun of partitions that go to another worker, as far as there is time for it."""
        leaving = set(partitions) & self._queues.keys()
        await self._ended(leaving)
        for partition in leaving & self._queues.keys():
            self._queues.pop(partition).abandon()

    async def drain(self) -> None:
        """Wait until all that was begun is confirmed, or has failed, or the broker is too long about it."""
        await self._ended(self._queues)

    def abandon(self) -> None:
        """Wait no longer for what was begun: it stays in the store, and is sent by the next start."""
        for queue in self._queues.values():
            queue.abandon()

    async def _ended(self, partitions: Iterable[int]) -> None:
        ends = [asyncio.create_task(self._queues[partition].ended()) for partition in partitions]
        if ends:
            _, late = await asyncio.wait(ends, timeout=_DRAIN_SECONDS)
            for end in late:
                end.cancel()

    async def _send(self, outbox: Iterable[bytes]) -> "asyncio.Future[list[Any]]":
        sent = []
        for (topic, partition), records in sorted_by_destination(map(OutboxRecord.from_bytes, outbox)):
            sent.append(await self._publisher.publish(topic, partition, records))
        return asyncio.gather(*sent)
