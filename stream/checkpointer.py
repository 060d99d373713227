"""The worker's own copy of the model: what it had learnt or read, on disk, for a warm start."""

import asyncio
import logging
import shutil
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Any, Final, NamedTuple

from models.checkpoint import Checkpoints
from models.errors import ModelError
from models.merging import merged
from models.snapshot import Snapshot
from stream.clock import now_ms
from stream.crash_points import reach
from stream.model_topic import FORM

__all__ = ["Checkpointer", "SavedModel"]

_log = logging.getLogger(__name__)
# A copy older than this may have missed that a row was removed: Kafka forgets that after a day.
_OLD_MS: Final = 12 * 3600 * 1000


class SavedModel(NamedTuple):
    """A copy of the model as of an offset of the model topic."""

    snapshot: Snapshot  # ``dense`` is the model's own
    offset: int
    progress: dict[str, Any]  # of the learner, then


class Checkpointer:
    """Writes what comes to checkpoints, in a thread of its own and not too often.

    Parameters
    ----------
    folder
        Where the checkpoints are.
    seconds
        From one to the next, at least; 0 for none.

    Attributes
    ----------
    written_at
        When the newest file was written, in milliseconds since the Unix epoch; 0 for never.
    took
        Seconds that it took.
    """

    def __init__(self, folder: Path, seconds: float) -> None:
        self._folder = folder
        self._seconds = seconds
        self.written_at, self.took = 0, 0.0
        self._checkpoints = Checkpoints(folder, reach)
        self._log = ""  # the identity of the model topic
        self._offset = self._written = -1  # as of which all is at hand; the version of the newest file
        self._is_broken = False
        self._parts: list[Snapshot] = []
        self._about: dict[str, Any] = {}
        self._writing: asyncio.Task[None] | None = None
        self._is_closing = asyncio.Event()

    async def load(self, log: str, end: int) -> SavedModel | None:
        """Return the newest copy that is whole; none that is too old, or of another model topic.

        Parameters
        ----------
        log
            The identity of the model topic; what is saved from now on is of it.
        end
            Its end.

        Raises
        ------
        models.checkpoint_file.CheckpointForeign
            If the files are of another format.
        """
        self._log = log
        loaded = await asyncio.to_thread(self._checkpoints.load)
        for reason in loaded.passed_over:
            _log.warning("A checkpoint is passed over: %s", reason)
        if loaded.snapshot is None:
            return None
        about = loaded.snapshot.dense
        is_other = about["log"] != log or about["offset"] > end or about.get("form") != FORM
        if is_other or about["at"] < now_ms() - _OLD_MS:
            _log.warning(
                "The checkpoints in %s are too old, or of another topic or form: dropped",
                self._folder,
            )
            await asyncio.to_thread(shutil.rmtree, self._folder)
            self._checkpoints = Checkpoints(self._folder, reach)
            return None
        snapshot = loaded.snapshot._replace(dense=about["state"])
        self._offset, self._written, self.written_at = about["offset"], snapshot.version, about["at"]
        return SavedModel(snapshot, about["offset"], about["progress"])

    def save(self, part: Snapshot, offset: int, progress: dict[str, Any]) -> None:
        """Have what has changed written soon, as of ``offset``.

        What is at hand is passed over: who learnt reads his own publications when he follows again.
        """
        if offset <= self._offset or not self._seconds or self._is_broken:
            return
        self._offset = offset
        self._about = {"form": FORM, "state": part.dense, "log": self._log, "offset": offset}
        self._about["progress"] = progress
        self._parts.append(part)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())

    async def close(self) -> None:
        """Write what is left, at once."""
        self._is_closing.set()
        if self._writing is not None:
            await self._writing

    async def _write(self) -> None:
        while self._has_news:
            await self._write_parts()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._is_closing.wait(), self._seconds)

    @property
    def _has_news(self) -> bool:
        # Rows that had waited come with no new version, by which files are told apart, and wait for one.
        return bool(self._parts) and self._parts[-1].version > self._written

    async def _write_parts(self) -> None:
        parts, self._parts, self._written = self._parts, [], self._parts[-1].version
        about, began = {**self._about, "at": now_ms()}, monotonic()
        try:
            await asyncio.to_thread(self._append, parts, about)
            self.written_at, self.took = about["at"], monotonic() - began
        except OSError as error:  # what is not written now is written with the next
            _log.warning("No checkpoint could be written to %s: %s", self._folder, error)
        except ModelError as error:  # another's file lies there, or the newest does no more
            _log.error("No checkpoints until the next start, which reads more from Kafka instead: %s", error)
            self._is_broken, self._parts = True, []

    def _append(self, parts: list[Snapshot], about: dict[str, Any]) -> None:
        part = merged(parts)._replace(dense=about)
        self._checkpoints.append(part, about["at"])
        reach("saved-not-acknowledged")
        if self._checkpoints.is_due():
            self._checkpoints.compact(about["at"])
