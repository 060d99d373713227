"""Chunks gathered while something else is done with those before."""

import asyncio
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import suppress
from typing import Final

from stream.chunks import Chunk

__all__ = ["Gathering"]

# Chunks that are taken in ahead; each is at most one fetch of a partition, a megabyte. What is beyond waits
# in Faust's own queue, which stops the fetching when it is full.
_AHEAD: Final = 8


class Gathering:
    """All that has come since the last time: what comes in trickles is handled in one go.

    Parameters
    ----------
    chunks
        Taken in while the one who asks is busy.
    patience
        Seconds after which an empty run is given, so that the one who asks can do what is due.
    """

    def __init__(self, chunks: AsyncIterable[Chunk], patience: float) -> None:
        self._chunks = chunks
        self._patience = patience
        self._come: deque[Chunk] = deque()
        self._changed = asyncio.Event()

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits."""
        return not self._come

    async def __aiter__(self) -> AsyncIterator[list[Chunk]]:
        """Yield runs of chunks, until the chunks end."""
        reader = asyncio.create_task(self._take_in())
        try:
            while self._come or not reader.done():
                if not self._come:
                    await self._wait_for_change()
                come = list(self._come)
                self._come.clear()
                self._changed.set()
                yield come
            await reader  # raises what ended it
        finally:
            reader.cancel()

    async def _wait_for_change(self) -> None:
        self._changed.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), self._patience)

    async def _take_in(self) -> None:
        try:
            async for chunk in self._chunks:
                self._come.append(chunk)
                self._changed.set()
                while len(self._come) >= _AHEAD:
                    self._changed.clear()
                    await self._changed.wait()
        finally:
            self._changed.set()
