"""The partitions of the profiles' changelog that this worker writes to: restored, claimed, appended to."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Final

from faust.types import TP
from msgspec.structs import replace

from stream.changelog import CommitReader, WriterEpoch, names_of_others, outgoing
from stream.commits import Commit
from stream.crash_points import reach
from stream.errors import StreamError
from stream.leased import LeasedPublisher
from stream.log_reader import LogReader
from stream.patience import retry_while_broker_away
from stream.profiles import ProfileStore
from stream.restoration import Restoration, Sources

__all__ = ["ChangelogWriter", "PartitionTaken"]

_log = logging.getLogger(__name__)

# Within a session, 10 s, and a rebalance the group revokes a partition that is another worker's.
_REVOKED_WITHIN_SECONDS: Final = 20.0


class PartitionTaken(StreamError):
    """Another worker writes to a partition that the group has given to this one.

    Examples
    --------
    >>> print(PartitionTaken(TP("profiles", 3), WriterEpoch(b"id", 7)))
    profiles-3: another worker has claimed it (takeover 7), and the group gives it to this one: start again
    """

    def __init__(self, tp: TP, epoch: WriterEpoch) -> None:
        super().__init__(tp, epoch)
        self.tp = tp
        self.epoch = epoch

    def __str__(self) -> str:
        return (
            f"{self.tp.topic}-{self.tp.partition}: another worker has claimed it (takeover "
            f"{self.epoch.number}), and the group gives it to this one: start again"
        )


class ChangelogWriter:
    """Takes partitions of the changelog over, and appends to them.

    Parameters
    ----------
    store
        Holds the local copies.
    publisher
        Sends the records.
    reader
        Returns a new connection to read these partitions by.
    topic
        The full name of the changelog topic.
    """

    def __init__(
        self,
        store: ProfileStore,
        publisher: LeasedPublisher,
        reader: Callable[[list[TP]], LogReader],
        topic: str,
    ) -> None:
        self._store = store
        self._publisher = publisher
        self._reader = reader
        self.topic = topic

    def reader(self, partitions: Iterable[int]) -> LogReader:
        """Return a new connection to read partitions of the changelog by."""
        return self._reader([TP(self.topic, partition) for partition in partitions])

    async def take(self, reader: LogReader, partition: int, identities: Mapping[str, str]) -> Commit:
        """Bring the local copy up to the changelog and claim it; return what is to be published first.

        ``identities`` are those of the changelog topic and of the source topics. It may be cancelled at any
        point: a second call repeats what the first has done.

        Raises
        ------
        aiokafka.errors.KafkaError
            If the broker is away.
        """
        tp = TP(self.topic, partition)
        sources = [TP(topic, partition) for topic in identities if topic != self.topic]
        ends = await reader.ends([tp, *sources])
        restoration = Restoration(self._store, tp, identities[self.topic], ends[tp])
        while not await self._catch_up(restoration, reader, tp, ends[tp]):
            pass
        known = {source.topic: identities[source.topic] for source in sources}
        return restoration.finish(Sources(known, {source.topic: ends[source] for source in sources}))

    async def _catch_up(self, restoration: Restoration, reader: LogReader, tp: TP, end: int) -> bool:
        begin, start = asyncio.get_running_loop().time(), restoration.start
        async for records in reader.read(tp, start, end):
            if not restoration.add(records):
                return False
            await asyncio.sleep(0)
        seconds = asyncio.get_running_loop().time() - begin
        _log.info("%s-%d: caught up from offset %d to %d in %.2f s", *tp, start, end, seconds)
        return True

    async def append(self, partition: int, commit: Commit) -> None:
        """Append a commit whose outbox is confirmed, and drop it from the store's outbox.

        Raises
        ------
        PartitionTaken
            If another worker has claimed the partition, and the group still gives it to this one.
        """
        records = outgoing(self._store.changelog_position(partition).claim, commit.changes)
        ranges = await self._publisher.publish_in_turn(self.topic, partition, records)
        reach("published-not-confirmed")
        self._store.confirm(partition, commit.tickets, ranges)
        if self._store.changelog_position(partition).has_diverged:
            again = await retry_while_broker_away(partial(self._mend, partition))
            if again.changes:
                await self.append(partition, again)

    async def _mend(self, partition: int) -> Commit:
        """Read what came between this store's own records, and return what has to be written again for it.

        A retry of this worker's own producer comes between as well, and does no harm. Names that wait in the
        outbox are left out: they are written again soon, and their newest values must not overtake it.

        Raises
        ------
        PartitionTaken
            If another has claimed the partition; not before the group has had time to revoke it.
        """
        tp, position = TP(self.topic, partition), self._store.changelog_position(partition)
        commits, foreign = CommitReader(position.epoch), set[bytes]()
        async with self.reader([partition]) as reader:
            end = (await reader.ends([tp]))[tp]
            async for records in reader.read(tp, position.offset, end):
                commits.add(records)
                foreign |= names_of_others(position.claim, records)
        if commits.newest != position.claim:
            await asyncio.sleep(_REVOKED_WITHIN_SECONDS)  # a rebalance cancels this
            raise PartitionTaken(tp, commits.newest)
        again = foreign - self._store.unconfirmed(partition).changes.keys()
        if again:
            _log.warning("%s-%d: %d names that a stale worker wrote are written again", *tp, len(again))
        settled = replace(position, offset=end, epoch=position.claim, has_diverged=False)
        return self._store.claim(partition, {}, again, settled)
