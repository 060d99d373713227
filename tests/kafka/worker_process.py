"""A worker as users run it, in a process of its own."""

import json
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple, Self

from shop import DEADLINE, Shop, script, until

from stream.ports import LOOPBACK, free_port

_ROOT = Path(__file__).parents[2]


class Answer(NamedTuple):
    """What the web port answered; status 0 where nothing listens."""

    status: int
    type: str
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class WorkerProcess:
    """``faust -A stream.app worker`` with its own port and data folder; a context manager that starts it.

    ``folder`` keeps its state and its log, also over restarts.
    """

    def __init__(self, shop: Shop, folder: Path, **settings: object) -> None:
        self.shop = shop
        self.port = free_port()
        self.log_file = folder / "worker.log"
        self._environment = shop.environment(data_dir=folder / "state", **settings)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start the process; `ready` waits for it."""
        command = [script("faust"), "-A", "stream.app", "worker", "-l", "info"]
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "--web-port", str(self.port)],
                env=self._environment,
                cwd=_ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        return self

    def ready(self) -> Self:
        """Wait for ``/readyz``."""
        self.until(lambda: self.get("/readyz").status == 200, "the worker is ready")
        return self

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for a condition, as long as the worker lives."""

        def holds() -> bool:
            assert self.process.poll() is None, f"the worker ended with {self.process.returncode}"
            return condition()

        try:
            until(holds, what)
        except AssertionError:
            sys.stderr.write(self.log)
            raise

    @property
    def process(self) -> "subprocess.Popen[bytes]":
        assert self._process is not None
        return self._process

    @property
    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    def get(self, path: str, method: str = "GET") -> Answer:
        """Ask the web port."""
        asked = urllib.request.Request(f"http://{LOOPBACK}:{self.port}{path}", method=method)
        try:
            with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310 - its own port
                return Answer(answer.status, answer.headers["Content-Type"], answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.headers["Content-Type"], error.read())
        except OSError:
            return Answer(0, "", b"")

    def figures(self) -> Any:
        """How the worker stands: its ``/status``."""
        return self.get("/status").json

    def reaches(self, **figures: int) -> Any:
        """Wait until each of these figures is at least so large; return all figures."""

        def reached() -> bool:
            answer = self.get("/status")
            return answer.status == 200 and all(answer.json[name] >= least for name, least in figures.items())

        self.until(reached, f"{figures}")
        return self.figures()

    def stop(self) -> float:
        """End it in good order; return the seconds that this took."""
        begin = monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(DEADLINE)
        return monotonic() - begin

    def kill(self) -> None:
        """End it at once, with no chance to tidy up."""
        self.process.kill()
        self.process.wait(DEADLINE)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.kill()
