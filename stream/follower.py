"""What every worker does with the model topic: it follows the learner, and serves what the learner knows."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

from models.merging import merged
from models.names import Names
from models.row_records import is_row, read_rows
from models.snapshot import Snapshot
from stream.brain import Brain
from stream.chunks import RawRecord
from stream.keeper import Keeper, Kept
from stream.model_topic import DENSE, CommittedReader, Dense

__all__ = ["Follower"]

_log = logging.getLogger(__name__)


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
    keeper
        Keeps what comes, for the next start.

    Attributes
    ----------
    names, keeper
        What it was given.
    progress
        What the newest publication says of how far the learner had come; empty where there is none.
    complete
        The version of which nothing is missing: the newest but for a byte budget.
    published_at
        When that was published, in milliseconds since the Unix epoch; 0 where there is none.
    newest
        The offset of its dense part; -1 where there is none.
    """

    _reader: CommittedReader
    _fail: Callable[[BaseException], Any]

    def __init__(
        self, brain: Brain, names: Names, reader: Callable[[], CommittedReader], keeper: Keeper
    ) -> None:
        self._brain = brain
        self.names = names
        self.keeper = keeper
        self._make_reader = reader
        self._following: asyncio.Task[None] | None = None
        self._is_polling = self._has_caught_up = False
        self._parts: list[Snapshot] = []  # rows since the last dense part
        self.progress: dict[str, Any] = {}
        self.complete = self.published_at = 0
        self.newest = -1

    async def start(self, fail: Callable[[BaseException], Any]) -> None:
        """Connect to the broker, load what was kept, and follow; ``fail`` is called with what ends it."""
        self._fail = fail
        self._reader = self._make_reader()
        await self._reader.start(0)
        kept = await self.keeper.load(await self._reader.end())
        if kept is not None:
            await self._go_on_from(kept)
        self.follow()

    async def _go_on_from(self, kept: Kept) -> None:
        snapshot = kept.snapshot
        self.names.learn(snapshot.rows.key.tolist(), snapshot.names)
        await self._brain.follow(snapshot)
        await self._brain.take_changes()  # all this is kept already
        self.progress = kept.progress
        self.complete = snapshot.dense.get("complete", snapshot.version)
        self.published_at, self.newest = self.keeper.written_at, kept.offset - 1
        self._reader.seek(kept.offset)
        _log.info(
            "The model of version %d was kept; following from offset %d on", snapshot.version, kept.offset
        )

    async def stop(self) -> None:
        """Stop following, write what is to be kept, and disconnect."""
        await self.pause()
        await self.keeper.close()
        await self._reader.stop()

    @property
    def has_caught_up(self) -> bool:
        """Whether all is taken over that was committed when the following began."""
        return self._has_caught_up

    async def end(self) -> int:
        """Return the end of the model topic."""
        return await self._reader.end()

    def follow(self) -> None:
        """Take over what comes from now on, until `pause`."""
        self._following = asyncio.create_task(self._follow())

    async def pause(self) -> None:
        """Take over what has been read, and no more for now."""
        if self._following is not None:
            if self._is_polling:
                self._is_polling = False  # cancelled, it would lose what it has just read
            else:
                self._following.cancel()
            await asyncio.wait([self._following])
            self._following = None

    async def begin_anew(self) -> None:
        """Follow from the beginning, with a model that knows nothing."""
        await self.pause()
        self._has_caught_up, self._parts = False, []
        self.progress, self.newest = {}, -1
        self.complete = self.published_at = 0
        self._reader.seek(0)
        self.follow()

    async def catch_up(self) -> None:
        """Take over all that has been committed by now."""
        end = await self._reader.end()
        while not await self._reader.is_at(end):
            await self._take_over(await self._reader.poll())
        self._has_caught_up = True

    async def _follow(self) -> None:
        try:
            end = await self._reader.end()
            self._is_polling = True
            while self._is_polling:
                await self._take_over(await self._reader.poll())
                self._has_caught_up = self._has_caught_up or await self._reader.is_at(end)
        except Exception as error:  # noqa: BLE001 - whatever it is, a worker that cannot follow must not serve
            await self._fail(error)

    async def _take_over(self, records: Sequence[RawRecord]) -> None:
        """Take over records in order; what ends with a dense part is of one moment, and worth keeping."""
        start = 0
        for stop, record in enumerate(records, start=1):
            if record.key == DENSE and record.value is not None:
                await self._take_over_rows(records[start:stop])
                await self._take_over_dense(Dense.from_bytes(record.value), record)
                start = stop
        await self._take_over_rows(records[start:])

    async def _take_over_rows(self, records: Sequence[RawRecord]) -> None:
        rows = [(record.key, record.value) for record in records if is_row(record.key)]
        if not rows and self._parts:
            return
        read = read_rows(rows, self._brain.recommender.row_type)  # type: ignore[arg-type]  # they have keys
        self.names.learn(read.rows.key.tolist(), read.names)
        part = Snapshot(0, {}, read.rows, read.removed, read.names)
        await self._brain.follow(part)
        self._parts.append(part)

    async def _take_over_dense(self, dense: Dense, record: RawRecord) -> None:
        whole = merged(self._parts)._replace(version=dense.version, dense=dense.state)
        await self._brain.follow(whole)
        self.progress, self._parts = dense.progress, []
        self.complete = dense.state.get("complete", dense.version)
        self.published_at, self.newest = record.timestamp, record.offset
        self.keeper.keep(whole, record.offset + 1, dense.progress)
