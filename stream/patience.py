"""Work that the broker's absence only delays."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from aiokafka.errors import KafkaError

from stream.topics import BrokerAway

__all__ = ["patiently"]

_log = logging.getLogger(__name__)

_AGAIN_SECONDS: Final = 0.5

_Result = TypeVar("_Result")


async def patiently(work: Callable[[], Awaitable[_Result]]) -> _Result:
    """Return what the work returns; where the broker is away it is begun again, until it is there.

    Examples
    --------
    >>> async def answer() -> int:
    ...     return 42
    >>> asyncio.run(patiently(answer))
    42
    """
    while True:
        try:
            return await work()
        except (BrokerAway, KafkaError) as error:
            _log.warning("The broker gives no answer (%s); asking again", error)
            await asyncio.sleep(_AGAIN_SECONDS)
