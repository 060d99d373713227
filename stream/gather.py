"""Chunks gathered while something else is done with those before."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator

from stream.chunks import Chunk

__all__ = ["gathered"]


async def gathered(chunks: AsyncIterable[Chunk]) -> AsyncIterator[list[Chunk]]:
    """Yield all that has come since the last time, at least one chunk, until the chunks end.

    They are taken in while the one who asks is busy, so that what comes in trickles is handled in one go.
    """
    come: list[Chunk] = []
    news = asyncio.Event()

    async def take_in() -> None:
        try:
            async for chunk in chunks:
                come.append(chunk)
                news.set()
        finally:
            news.set()

    reader = asyncio.create_task(take_in())
    try:
        while come or not reader.done():
            await news.wait()
            news.clear()
            now, come[:] = come[:], []
            if now:
                yield now
        await reader  # raises what ended it
    finally:
        reader.cancel()
