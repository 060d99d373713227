"""Requests for a challenger, put among the examples: all that comes of the log then comes of it again."""

import asyncio
from collections.abc import Iterable
from typing import Final

import msgspec

from models.examples import no_examples
from models.packing import pack
from stream.leased import LeasedPublisher
from stream.publisher import Outgoing

__all__ = ["RetrainRequests", "WhereAsked", "asked_for"]

_HEADER: Final = "retrain"
_CONFIRM_SECONDS: Final = 5.0
_LONGEST: Final = 200


class WhereAsked(msgspec.Struct, frozen=True):
    """Where a request lies."""

    reason: str
    topic: str
    offset: int


class RetrainRequests:
    """Publishes requests to whoever learns.

    Parameters
    ----------
    publisher
        Sends the records.
    topic
        The full name of the examples topic.
    """

    def __init__(self, publisher: LeasedPublisher, topic: str) -> None:
        self._publisher = publisher
        self._topic = topic

    async def publish(self, reason: str) -> WhereAsked:
        """Ask for a challenger; of the reason the first 200 characters count.

        Raises
        ------
        TimeoutError
            If the broker does not confirm it soon; it may still come.
        """
        reason = reason[:_LONGEST] or "somebody has asked for it"
        headers = ((_HEADER, reason.encode()),)
        records = [Outgoing(None, pack(no_examples(), []), None, headers)]
        async with asyncio.timeout(_CONFIRM_SECONDS):
            (written,) = await self._publisher.publish_in_turn(self._topic, 0, records)
        return WhereAsked(reason, self._topic, written.start)


def asked_for(headers: Iterable[tuple[str, bytes]]) -> str | None:
    """Return why a record of the examples topic asks for a challenger; None where it asks for none.

    Examples
    --------
    >>> asked_for([("retrain", b"a new season")]), asked_for([])
    ('a new season', None)
    """
    raw = dict(headers).get(_HEADER)
    return None if raw is None else raw.decode(errors="replace")
