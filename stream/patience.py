"""Work that the broker's absence only delays, and work that is not left half done."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from functools import wraps
from typing import Any, Final, ParamSpec, TypeVar

from aiokafka.errors import KafkaError

from stream.topics import BrokerAway

__all__ = ["retry_while_broker_away", "shielded"]

_log = logging.getLogger(__name__)

_AGAIN_SECONDS: Final = 0.5

_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")


async def retry_while_broker_away(work: Callable[[], Awaitable[_Result]]) -> _Result:
    """Return what the work returns; where the broker is away it is begun again, until it is there.

    Examples
    --------
    >>> async def answer() -> int:
    ...     return 42
    >>> asyncio.run(retry_while_broker_away(answer))
    42
    """
    while True:
        try:
            return await work()
        except (BrokerAway, KafkaError) as error:
            _log.warning("The broker gives no answer (%s); asking again", error)
            await asyncio.sleep(_AGAIN_SECONDS)


def shielded(
    method: Callable[_Given, Coroutine[Any, Any, _Result]],
) -> Callable[_Given, Coroutine[Any, Any, _Result]]:
    """Return the method such that, once awaited, it comes to its end even where the caller is cancelled."""

    @wraps(method)
    async def whole(*arguments: _Given.args, **named: _Given.kwargs) -> _Result:
        return await asyncio.shield(method(*arguments, **named))

    return whole
