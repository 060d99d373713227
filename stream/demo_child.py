"""The demo's worker: a child process that never outlives its parent."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from stream import supervisor
from stream.client import Client
from stream.errors import StreamError

__all__ = ["WorkerEnded", "WorkerProcess"]

# 3 s on a free core; a machine that compiles what it has just installed needs many times that.
_START_SECONDS: Final = 120.0
_POLL_SECONDS: Final = 0.05
_TAIL_LINES: Final = 15
_COMMAND: Final = (
    sys.executable,
    "-P",
    "-m",
    "stream.demo_worker",
)


class WorkerEnded(StreamError):
    """The worker did not come up, or ended by itself; ``tail`` is the end of its log."""

    def __init__(self, reason: str, tail: str) -> None:
        super().__init__(reason, tail)
        self.reason = reason
        self.tail = tail

    def __str__(self) -> str:
        return f"the worker {self.reason}; the end of its log stands above"


class WorkerProcess:
    """A worker in a session of its own, so that Ctrl-C in a terminal reaches its parent alone.

    Parameters
    ----------
    variables
        The environment it is to have more than this process.
    client
        Asks the worker, once it is there.
    log
        The file for what it says.
    app
        The module of its Faust app.
    """

    def __init__(
        self, variables: Mapping[str, str], client: Client, log: Path, app: str = "stream.app"
    ) -> None:
        self._variables = variables
        self._client = client
        self._log = log
        self._app = app
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process, which imports its libraries and waits for `release`."""
        watcher = (sys.executable, "-I", "-S", supervisor.__file__, str(os.getpid()))
        port = self._client.address.rpartition(":")[2]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - the command is made here
                [*watcher, *_COMMAND, "-A", self._app, "worker", "-l", "info", "--web-port", port],
                env={**os.environ, **self._variables},
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def release(self) -> None:
        """Let the worker work: its broker is up. Returns once it is ready; raises `WorkerEnded`."""
        self.let_go()
        self.await_ready()

    def let_go(self) -> None:
        """Let the worker work, and do not wait for it."""
        process = self._process
        if process is None or process.stdin is None:
            raise RuntimeError("a worker is started before it is released")
        self.check()
        process.stdin.write(b"\n")
        process.stdin.close()

    def await_ready(self) -> None:
        """Return once the worker is ready; raises `WorkerEnded`."""
        deadline = time.monotonic() + _START_SECONDS
        while not self._client.is_ready():
            self.check()
            if time.monotonic() > deadline:
                raise WorkerEnded(f"was not ready within {_START_SECONDS:.0f} s", self._tail())
            time.sleep(_POLL_SECONDS)

    def check(self) -> None:
        """Raise `WorkerEnded` if the worker has."""
        if self._process is not None and (status := self._process.poll()) is not None:
            raise WorkerEnded(f"ended with exit status {status}", self._tail())

    @property
    def pid(self) -> int:
        """The process id of its supervisor, 0 where none runs."""
        return 0 if self._process is None else self._process.pid

    @property
    def has_ended(self) -> bool:
        """Whether it was started and has ended."""
        return self._process is not None and self._process.poll() is not None

    def wait(self, seconds: float) -> int:
        """Return the exit status once the worker has ended; raises `WorkerEnded` where it is too slow."""
        if self._process is None:
            raise RuntimeError("a worker is started before it ends")
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise WorkerEnded(f"had not ended after {seconds:.0f} s", self._tail()) from None

    def kill(self) -> None:
        """End the worker at once; nothing happens where none runs."""
        if self._process is not None:
            self._process.send_signal(signal.SIGUSR1)
            self._process.wait()
            self._process = None

    def _tail(self) -> str:
        return "\n".join(self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-_TAIL_LINES:])
