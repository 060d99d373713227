"""What every worker does with the model topic: it follows the learner, and serves what the learner knows."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from faust.types import TP

from models.merging import merged
from models.names import Names
from models.row_records import is_row, read_rows
from models.snapshot import Snapshot
from stream.brain import Brain
from stream.checkpointer import Checkpointer, SavedModel
from stream.chunks import RawRecord
from stream.model_topic import ANEW, DENSE, CommittedReader, Dense

__all__ = ["NO_PUBLICATION", "Applied", "Replica"]

_log = logging.getLogger(__name__)


class Applied(NamedTuple):
    """A publication that a replica has applied.

    Attributes
    ----------
    offset
        Of its dense part in the model topic; -1 where there is none.
    at
        When it was published or, of a saved model, saved, in milliseconds since the Unix epoch.
    complete
        The version of which nothing is missing: its own but for a byte budget.
    progress
        How far the learner had come, as `Progress` takes it.
    """

    offset: int
    at: int
    complete: int
    progress: dict[str, Any]


NO_PUBLICATION: Final = Applied(-1, 0, 0, {})


class Replica:
    """Keeps the model in step with the model topic, but for the time in which this worker learns itself.

    Parameters
    ----------
    brain
        Has the model that what comes is applied to.
    names
        Learns what the items are called.
    reader
        Returns one of the model topic, in a running event loop.
    checkpointer
        Saves what comes, for the next start.

    Attributes
    ----------
    names, checkpointer
        What it was given.
    newest
        The publication that was applied last.
    own
        The name of the learner whose publications are of this worker's model; empty where it never learnt.
    """

    _reader: CommittedReader
    _fail: Callable[[BaseException], Any]

    def __init__(
        self, brain: Brain, names: Names, reader: Callable[[], CommittedReader], checkpointer: Checkpointer
    ) -> None:
        self._brain = brain
        self.names = names
        self.checkpointer = checkpointer
        self._make_reader = reader
        self._following: asyncio.Task[None] | None = None
        self._is_polling = self._has_caught_up = False
        self._parts: list[Snapshot] = []  # rows since the last dense part
        self._is_anew = False  # whether they begin a new model
        self.newest, self.own = NO_PUBLICATION, ""

    async def start(self, fail: Callable[[BaseException], Any]) -> None:
        """Connect to the broker, load what was saved, and follow; ``fail`` is called with what ends it."""
        self._fail = fail
        self._reader = self._make_reader()
        await self._reader.start(0)
        saved = await self.checkpointer.load(await self._reader.identity(), await self._reader.end())
        if saved is not None:
            await self._go_on_from(saved)
        self.follow()

    async def _go_on_from(self, saved: SavedModel) -> None:
        snapshot = saved.snapshot
        self.names.learn(snapshot.rows.key.tolist(), snapshot.names)
        await self._brain.follow(snapshot)
        await self._brain.take_changes()  # all this is saved already
        complete = snapshot.dense.get("complete", snapshot.version)
        self.newest = Applied(saved.offset - 1, self.checkpointer.written_at, complete, saved.progress)
        self._reader.seek(saved.offset)
        _log.info("Following from offset %d on, by a model of version %d", saved.offset, snapshot.version)

    async def stop(self) -> None:
        """Stop following, save what is not saved yet, and disconnect."""
        await self.pause()
        await self.checkpointer.close()
        await self._reader.stop()

    @property
    def has_caught_up(self) -> bool:
        """Whether all is applied that was committed when the following began."""
        return self._has_caught_up

    async def end(self, of: TP | None = None) -> int:
        """Return the end of the model topic, or of another partition."""
        return await self._reader.end(of)

    def pass_over(self, own: Applied) -> None:
        """Read on behind a publication that is of this worker's own model."""
        self.newest = own
        self._reader.seek(own.offset + 1)

    def follow(self) -> None:
        """Apply what comes from now on, until `pause`."""
        self._following = asyncio.create_task(self._follow())

    async def pause(self) -> None:
        """Apply what has been read, and no more for now."""
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
        self._has_caught_up, self._parts, self.newest = False, [], NO_PUBLICATION
        self._is_anew, self.own = False, ""
        self._reader.seek(0)
        self.follow()

    async def catch_up(self) -> None:
        """Apply all that has been committed by now."""
        end = await self._reader.end()
        while not await self._reader.is_at(end):
            await self._apply(await self._reader.poll())
        self._has_caught_up = True

    async def _follow(self) -> None:
        try:
            end = await self._reader.end()
            self._is_polling = True
            while self._is_polling:
                await self._apply(await self._reader.poll())
                self._has_caught_up = self._has_caught_up or await self._reader.is_at(end)
        except Exception as error:  # noqa: BLE001 - whatever it is, a worker that cannot follow must not serve
            await self._fail(error)

    async def _apply(self, records: Sequence[RawRecord]) -> None:
        """Apply records in order; what ends with a dense part is of one moment, and worth saving."""
        start = 0
        for stop, record in enumerate(records, start=1):
            if record.key == ANEW:
                self._is_anew, self._parts, start = True, [], stop
            if record.key == DENSE and record.value is not None:
                await self._apply_rows(records[start:stop])
                await self._apply_dense(Dense.from_bytes(record.value), record)
                start = stop
        await self._apply_rows(records[start:])

    async def _apply_rows(self, records: Sequence[RawRecord]) -> None:
        rows = [(record.key, record.value) for record in records if is_row(record.key)]
        if not rows and self._parts:
            return  # `merged` needs one part, so one without rows stands for none
        read = read_rows(rows, self._brain.recommender.row_type)  # type: ignore[arg-type]  # they have keys
        self.names.learn(read.rows.key.tolist(), read.names)
        part = Snapshot(0, {}, read.rows, read.removed, read.names)
        if not self._is_anew:
            await self._brain.follow(part)
        self._parts.append(part)

    async def _apply_dense(self, dense: Dense, record: RawRecord) -> None:
        whole = merged(self._parts)._replace(version=dense.version, dense=dense.state)
        if not self._is_anew:
            await self._brain.follow(whole)
        elif dense.progress.get("learner") != self.own:  # all at once: no list is of before and of now
            await self._brain.replace(whole)
        self._is_anew = False
        complete = dense.state.get("complete", dense.version)
        self.newest = Applied(record.offset, record.timestamp, complete, dense.progress)
        self._parts = []
        self.checkpointer.save(whole, record.offset + 1, dense.progress)
