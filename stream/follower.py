"""What every worker does with the model topic: it follows the learner, and serves what the learner knows."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from models.names import Names
from models.row_records import is_row, read_rows
from models.snapshot import Rows, Snapshot
from stream.brain import Brain
from stream.chunks import RawRecord
from stream.model_topic import DENSE, Dense, LogReader

__all__ = ["Follower"]

_NO_KEYS = np.empty(0, np.int64)
_NO_ROWS = Rows(_NO_KEYS, {})


class Follower:
    """Keeps the model in step with the model topic, but for the time in which this worker learns itself.

    Parameters
    ----------
    brain
        Takes over what comes.
    names
        Learns what the items are called.
    reader
        Returns one of the model topic, in a running event loop.

    Attributes
    ----------
    names
        What it was given.
    progress
        What the newest publication says of how far the learner had come; empty where there is none.
    """

    _reader: LogReader
    _fail: Callable[[BaseException], Any]

    def __init__(self, brain: Brain, names: Names, reader: Callable[[], LogReader]) -> None:
        self._brain = brain
        self.names = names
        self._make_reader = reader
        self._following: asyncio.Task[None] | None = None
        self._has_caught_up = False
        self.progress: dict[str, Any] = {}

    async def start(self, fail: Callable[[BaseException], Any]) -> None:
        """Connect to the broker and follow; ``fail`` is called with what ends it."""
        self._fail = fail
        self._reader = self._make_reader()
        await self._reader.start(0)
        self.follow()

    async def stop(self) -> None:
        """Stop following and disconnect."""
        await self.pause()
        await self._reader.stop()

    @property
    def has_caught_up(self) -> bool:
        """Whether all is taken over that was committed when the following began."""
        return self._has_caught_up

    def follow(self) -> None:
        """Take over what comes from now on, until `pause`."""
        self._following = asyncio.create_task(self._follow())

    async def pause(self) -> None:
        """Take over no more for now."""
        if self._following is not None:
            self._following.cancel()
            await asyncio.wait([self._following])
            self._following = None

    async def catch_up(self) -> None:
        """Take over all that has been committed by now."""
        end = await self._reader.end()
        while not await self._reader.is_at(end):
            await self._take_over(await self._reader.poll())
        self._has_caught_up = True

    async def _follow(self) -> None:
        try:
            end = await self._reader.end()
            while True:
                await self._take_over(await self._reader.poll())
                self._has_caught_up = self._has_caught_up or await self._reader.is_at(end)
        except Exception as error:  # noqa: BLE001 - whatever it is, a worker that cannot follow must not serve
            await self._fail(error)

    async def _take_over(self, records: Sequence[RawRecord]) -> None:
        rows = [(record.key, record.value) for record in records if is_row(record.key)]
        if rows:
            read = read_rows(rows, self._brain.recommender.row_type)  # type: ignore[arg-type]  # they have keys
            self.names.learn(read.rows.key.tolist(), read.names)
            await self._brain.follow(Snapshot(0, {}, read.rows, read.removed, _NO_KEYS, read.names))
        for record in records:
            if record.key == DENSE and record.value is not None:
                dense = Dense.from_bytes(record.value)
                await self._brain.follow(
                    Snapshot(dense.version, dense.state, _NO_ROWS, _NO_KEYS, _NO_KEYS, [])
                )
                self.progress = dense.progress
