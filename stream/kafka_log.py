"""The log of the embedded Kafka: a text file, and the lock that keeps a second broker out of its folder."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from stream.errors import FolderTaken

__all__ = ["KafkaLog"]


class KafkaLog:
    """What one run of Kafka appends to its log file.

    Parameters
    ----------
    path
        The file; made where it is missing, kept from run to run.

    Examples
    --------
    >>> KafkaLog(Path("kafka.log")).last_words()
    'it wrote nothing'
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._run_start = 0  # bytes that earlier runs wrote

    @contextmanager
    def locked(self) -> Iterator[IO[bytes]]:
        """Open the file for a run, locked for as long as any process that inherits it lives.

        Kafka's own lock comes too late: before it asks for that, a second broker has written to the first
        one's metadata, and the first can no longer be stopped in good order.

        Raises
        ------
        FolderTaken
            When a process of another run still has it open.
        """
        with self.path.open("ab") as log:
            try:
                fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise FolderTaken(self.path.parent) from error
            self._run_start = log.tell()
            yield log

    def last_words(self) -> str:
        """Return what the run said last: its last error and the line after it, or its last two lines."""
        if not self.path.exists():
            return "it wrote nothing"
        with self.path.open("rb") as log:
            log.seek(self._run_start)
            lines = log.read().decode(errors="replace").splitlines()
        errors = [place for place, line in enumerate(lines) if " ERROR " in line]
        telling = lines[errors[-1] :][:2] if errors else lines[-2:]
        return " / ".join(telling) or "it wrote nothing"
