"""Chunks gathered while something else is done with those before."""

import asyncio
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator
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
    """

    def __init__(self, chunks: AsyncIterable[Chunk]) -> None:
        self._chunks = chunks
        self._come: deque[Chunk] = deque()
        self._changed = asyncio.Event()

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits."""
        return not self._come

    async def __aiter__(self) -> AsyncIterator[list[Chunk]]:
        """Yield runs of at least one chunk, until the chunks end."""
        reader = asyncio.create_task(self._take_in())
        try:
            while self._come or not reader.done():
                if self._come:
                    come = list(self._come)
                    self._come.clear()
                    self._changed.set()
                    yield come
                else:
                    self._changed.clear()
                    await self._changed.wait()
            await reader  # raises what ended it
        finally:
            reader.cancel()

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
