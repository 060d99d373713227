"""Trials, one after the other, each in a process of its own, for as long as somebody is to be judged."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from models.errors import ModelError
from stream.challenge.hands import NotLearning
from stream.challenge.plan import Failed, Message, Order
from stream.challenge.process import ChallengerProcess

__all__ = ["Trials"]

_log = logging.getLogger(__name__)
_AGAIN_SECONDS: Final = 5.0
# How often a process may be killed, as where memory is short, before its trial is given up.
_KILLS: Final = 3


class Trials:
    """Has orders carried out.

    Parameters
    ----------
    order
        Returns what is to be done now, None where nothing is.
    hear
        Called with what a process says.
    drop
        Called with the reason where a trial cannot go on.
    """

    def __init__(
        self,
        order: Callable[[], Order | None],
        hear: Callable[[ChallengerProcess, Message], Awaitable[None]],
        drop: Callable[[str], Awaitable[None]],
    ) -> None:
        self._order, self._hear, self._drop = order, hear, drop
        self._task: asyncio.Task[None] | None = None
        self._kills = 0

    def begin(self) -> None:
        """Go on until there is no order."""
        self._kills = 0
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._hold_all())

    async def end(self) -> None:
        """End the process that there is."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def _hold_all(self) -> None:
        while (order := self._order()) is not None:
            try:
                if not await self._hold(order):
                    await asyncio.sleep(_AGAIN_SECONDS)
            except NotLearning:
                return  # another worker goes on with it
            except Exception as error:  # noqa: BLE001 - whatever it is, the champion goes on
                _log.warning("The trial beside the champion has failed", exc_info=True)
                with suppress(NotLearning):
                    await self._drop(str(error) if isinstance(error, ModelError) else repr(error))

    async def _hold(self, order: Order) -> bool:
        """Hold a trial; return whether it has come to something."""
        async with ChallengerProcess(order) as process:
            async for message in process.messages():
                if isinstance(message, Failed) and message.again:
                    _log.warning("The trial beside the champion begins again: %s", message.reason)
                    return False
                await self._hear(process, message)
                if self._order() != order:
                    return True
            return await self._ended(await process.status())

    async def _ended(self, status: int) -> bool:
        """Drop a trial whose process has ended by itself, or has been killed too often."""
        if status < 0 and self._kills < _KILLS:
            self._kills += 1
            _log.warning("The trial beside the champion begins again: signal %d ended it", -status)
            return False
        await self._drop(f"its process has ended with status {status}")
        return True
