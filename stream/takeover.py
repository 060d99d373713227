"""What a worker does when the group gives it partitions of the sources, or takes them away."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from stream.changelog_writer import ChangelogWriter
from stream.outbox_relay import OutboxRelay
from stream.patience import retry_while_broker_away
from stream.purger import Purger

__all__ = ["Takeover"]


class Takeover:
    """Restores and claims partitions before their sources are read, and leaves them in good order.

    Parameters
    ----------
    writer
        Restores them, and writes to their changelog.
    relay
        Publishes what is left from earlier, and is told which partitions are this worker's.
    purger
        Likewise.
    identities
        Asks the broker for the identities of changelog and sources, by topic; it runs in a thread.
    """

    def __init__(
        self,
        writer: ChangelogWriter,
        relay: OutboxRelay,
        purger: Purger,
        identities: Callable[[], Mapping[str, str]],
    ) -> None:
        self._writer = writer
        self._relay = relay
        self._purger = purger
        self._identities = identities
        self._taking: asyncio.Task[None] | None = None

    async def take(self, partitions: Iterable[int]) -> None:
        """Take over what this worker does not hold yet; a rebalance that begins meanwhile breaks it off."""
        wanted = sorted(partitions)
        self._purger.keep(wanted)
        self._taking = asyncio.create_task(retry_while_broker_away(partial(self._take, wanted)))
        try:
            await asyncio.wait([self._taking])
            if not self._taking.cancelled():
                self._taking.result()
        finally:
            self._taking.cancel()

    async def leave(self, partitions: Iterable[int]) -> None:
        """Finish what is under way of partitions that are taken away; publish no more of them."""
        if self._taking is not None:
            self._taking.cancel()
        await self._relay.leave(partitions)

    async def _take(self, partitions: list[int]) -> None:
        missing = [partition for partition in partitions if not self._relay.holds(partition)]
        if not missing:
            return
        identities = await asyncio.to_thread(self._identities)
        async with self._writer.reader(missing) as reader:
            for partition in missing:
                unconfirmed = await self._writer.take(reader, partition, identities)
                await self._relay.open(partition, unconfirmed)
