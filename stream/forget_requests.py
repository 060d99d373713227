"""Requests to forget a user, put on the forget topic."""

import asyncio
from typing import Final

import msgspec

from models.codec import encode
from models.events import Forget
from stream.keys import partition_of
from stream.leased import LeasedPublisher
from stream.publisher import Outgoing

__all__ = ["ForgetRequests", "Place"]

# A broker that is up confirms within milliseconds; who asks gives up after 10 s.
_CONFIRM_SECONDS: Final = 5.0


class Place(msgspec.Struct, frozen=True):
    """Where a request lies."""

    user_id: str
    topic: str
    partition: int
    offset: int


class ForgetRequests:
    """Publishes requests as a shop would, to the partition that Kafka's clients choose for the user's key.

    Parameters
    ----------
    publisher
        Sends the records.
    topic
        The full name of the forget topic.
    partitions
        How many it has.
    """

    def __init__(self, publisher: LeasedPublisher, topic: str, partitions: int) -> None:
        self._publisher = publisher
        self._topic = topic
        self._partitions = partitions

    async def publish(self, user_id: str, now: int) -> Place:
        """Ask for a user to be forgotten up to ``now``, in milliseconds since the Unix epoch.

        Raises
        ------
        TimeoutError
            If the broker does not confirm it soon; it may still come.
        """
        key = user_id.encode()
        partition = partition_of(key, self._partitions)
        records = [Outgoing(key, encode(Forget(user_id=user_id, ts=now)))]
        async with asyncio.timeout(_CONFIRM_SECONDS):
            (written,) = await self._publisher.publish_in_turn(self._topic, partition, records)
        return Place(user_id, self._topic, partition, written.start)
