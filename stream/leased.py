"""Publishing only while the group certainly counts this worker in."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from stream.lease import Lease
from stream.publisher import OffsetRange, Outgoing, Publisher

__all__ = ["LeasedPublisher"]


class LeasedPublisher:
    """A publisher that waits while the lease is not held: a frozen worker does not wake up talking.

    What it had handed to the producer before it froze may still leave; it is of an epoch that has passed.

    Parameters
    ----------
    publisher
        Sends the records.
    lease
        Returns the lease, which is there once the consumer is.
    """

    def __init__(self, publisher: Publisher, lease: Callable[[], Lease]) -> None:
        self._publisher = publisher
        self._lease = lease

    async def publish(
        self, topic: str, partition: int, records: Iterable[Outgoing]
    ) -> asyncio.Future[list[Any]]:
        """Publish as `Publisher.publish` does."""
        await self._lease().held()
        return await self._publisher.publish(topic, partition, records)

    async def publish_in_turn(
        self, topic: str, partition: int, records: Iterable[Outgoing]
    ) -> list[OffsetRange]:
        """Publish as `Publisher.publish_in_turn` does."""
        await self._lease().held()
        return await self._publisher.publish_in_turn(topic, partition, records)
