"""One worker of a storm: started, killed, told to stop and frozen, on a folder that outlives it."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import psutil

from stream.chaos.wait import StormFailed, until
from stream.client import Client
from stream.demo_child import WorkerProcess
from stream.errors import StreamError
from stream.ports import LOOPBACK, free_port
from stream.views import View

__all__ = ["Member"]

# What a worker that is told to stop may take, and one that is to reach a crash point.
_END_SECONDS: Final = 90.0
_SPAWN_SECONDS: Final = 5.0
_LAST_BYTES: Final = 2_000


class Member:
    """A worker with a data folder, a log and a web port of its own.

    Parameters
    ----------
    variables
        The environment it is to have more than this process.
    folder
        Its own; holds its data, also over restarts, and its log.
    app
        The module of its Faust app.

    Attributes
    ----------
    client
        Asks its web port.
    is_wanted
        Whether it was started and nobody has ended it since.
    stops
        Seconds that each end in good order took.

    Examples
    --------
    >>> member = Member({}, Path("storm/worker-0"), "stream.app")
    >>> member.data.as_posix(), member.is_wanted
    ('storm/worker-0/data', False)
    """

    def __init__(self, variables: Mapping[str, str], folder: Path, app: str) -> None:
        self.data = folder / "data"
        self.log = folder / "worker.log"
        self.is_wanted = False
        self.stops: list[float] = []
        self._variables = {**variables, "HEADRACE_DATA_DIR": str(self.data)}
        self._app = app
        self.client = Client(f"http://{LOOPBACK}:{free_port()}")
        self._process: WorkerProcess | None = None
        self._started = 0.0  # monotonic seconds

    def start(self, crash_at: str = "") -> None:
        """Start the process, which may be told where to kill itself, and return at once."""
        self.data.parent.mkdir(parents=True, exist_ok=True)
        variables = {**self._variables, "HEADRACE_CRASH_AT": crash_at}
        self._process = WorkerProcess(variables, self.client, self.log, self._app)
        self._started = time.monotonic()
        self._process.start()
        self._process.let_go()
        self.is_wanted = True

    def until_ready(self) -> float:
        """Wait for ``/readyz``; return the seconds from the start of the process; raises `WorkerEnded`."""
        self._running.await_ready()
        return time.monotonic() - self._started

    def until_ended(self) -> int:
        """Wait for an end that was asked for; return the exit status; raises `WorkerEnded` if it is late."""
        self.is_wanted = False
        return self._running.wait(_END_SECONDS)

    def kill(self) -> None:
        """End it at once, as ``kill -9`` does."""
        self._itself().kill()
        self.until_ended()

    def stop(self) -> None:
        """End it in good order."""
        begin = time.monotonic()
        self._itself().terminate()
        self.until_ended()
        self.stops.append(time.monotonic() - begin)

    def freeze(self) -> None:
        """Stop it where it stands: it neither works nor answers until `thaw`."""
        self._itself().suspend()

    def thaw(self) -> None:
        """Let it go on."""
        self._itself().resume()

    def limit_files(self, size: int) -> None:
        """Let it write no file beyond so many bytes from now on, as on a disk that is full."""
        self._itself().rlimit(psutil.RLIMIT_FSIZE, (size, psutil.RLIM_INFINITY))

    def status(self) -> View:
        """Return how it stands; of one that does not answer, nothing."""
        try:
            return self.client.status()
        except StreamError:
            return View()

    @property
    def is_casualty(self) -> bool:
        """Whether it has ended though nobody ended it."""
        return self.is_wanted and self._running.has_ended

    def last_words(self) -> str:
        """Return the end of its log."""
        return self.words_since(max(0, self.log.stat().st_size - _LAST_BYTES))

    def words_since(self, position: int) -> str:
        """Return its log from so many bytes on."""
        return self.log.read_bytes()[position:].decode(errors="replace")

    def close(self) -> None:
        """End what is left of it."""
        if self._process is not None:
            self._process.kill()

    @property
    def _running(self) -> WorkerProcess:
        if self._process is None:
            raise RuntimeError("this worker was never started")
        return self._process

    def _itself(self) -> psutil.Process:
        """Return the worker's own process, which a supervisor has started, or will at once, and watches."""
        if self._running.has_ended:
            raise StormFailed("a worker that was to be struck has ended by itself")
        supervisor = psutil.Process(self._running.pid)
        until(lambda: bool(supervisor.children()), "a worker has a process", _SPAWN_SECONDS)
        return supervisor.children()[0]
