"""The learner's end of a challenger's process."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

import torch

from stream.challenge.plan import HAND_OVER, Message, Order, encoder, messages

__all__ = ["ChallengerProcess"]

_LINE_BYTES: Final = 2**20
_COMMAND: Final = (sys.executable, "-P", "-m", "stream.challenge.child")


class ChallengerProcess:
    """A process that ends with whoever began it; an async context manager.

    Parameters
    ----------
    order
        What it is to do.
    """

    _process: asyncio.subprocess.Process

    def __init__(self, order: Order) -> None:
        self._order = order

    async def __aenter__(self) -> Self:
        pipe = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec(
            *_COMMAND,
            stdin=pipe,
            stdout=pipe,
            limit=_LINE_BYTES,
            env=_environment(),
            start_new_session=True,  # what a terminal or a supervisor tells all of a group is for its parent
        )
        await self._send(encoder.encode(self._order) + b"\n")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()

    async def messages(self) -> AsyncIterator[Message]:
        """Yield what it says, until it ends."""
        assert self._process.stdout is not None  # noqa: S101 - it is a pipe
        while line := await self._process.stdout.readline():
            yield messages.decode(line)

    async def hand_over(self) -> None:
        """Have it hand its model over."""
        await self._send(HAND_OVER)

    async def status(self) -> int:
        """Return its exit status, once it has ended; below 0 the signal that ended it."""
        return await self._process.wait()

    async def _send(self, line: bytes) -> None:
        assert self._process.stdin is not None  # noqa: S101 - it is a pipe
        self._process.stdin.write(line)
        with suppress(ConnectionError):  # it has ended, which is told elsewhere
            await self._process.stdin.drain()


def _environment() -> dict[str, str]:
    """Return this process's environment; where there are several GPUs, in it is none but the second."""
    if torch.cuda.device_count() > 1:
        visible = os.environ.get("CUDA_VISIBLE_DEVICES", "0,1").split(",")
        return os.environ | {"CUDA_VISIBLE_DEVICES": visible[1]}
    return dict(os.environ)
