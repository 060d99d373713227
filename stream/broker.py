"""The embedded Kafka: a real Apache Kafka broker as a child process that never outlives its parent."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from stream import supervisor
from stream.errors import BrokerDown, PortTaken
from stream.kafka_jars import cache_folder, fetched_jars
from stream.kafka_log import KafkaLog
from stream.kafka_server import CLUSTER_ID, answers, java, server_properties
from stream.ports import LOOPBACK, free_port, listens

__all__ = ["Broker"]

_START_SECONDS = 90.0  # 3 s on a free core; a machine that also installs and compiles needs many times that
_POLL_SECONDS = 0.05


class Broker:
    """One Kafka node on the loopback; a context manager that starts and stops it.

    Parameters
    ----------
    data
        The folder of its topics, its settings and its log, ``kafka.log``; made where it is missing. What a
        broker left there, stopped or killed, is there again at the next start.
    port
        Where clients connect. ``None`` picks a free port at the first start and keeps it from then on.

    Examples
    --------
    >>> broker = Broker(Path(".headrace/kafka"), port=9092)
    >>> broker.address
    '127.0.0.1:9092'
    """

    def __init__(self, data: Path, port: int | None = None) -> None:
        self.data = data.absolute()
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None
        self._log = KafkaLog(self.data / "kafka.log")

    @property
    def log(self) -> Path:
        """The file with what Kafka logs, of earlier runs too."""
        return self._log.path

    @property
    def address(self) -> str:
        """``host:port`` for a client; known from the first start on where no port was given."""
        return f"{LOOPBACK}:{self._port}"

    def start(self) -> None:
        """Return once the broker takes requests: about 3 s, and 2 s more in a new folder.

        Raises
        ------
        PortTaken
            When another process listens on the port.
        FolderTaken
            When another broker runs on the folder.
        BrokerDown
            When Kafka ends, or takes no requests within 90 s.
        JarsUnavailable, JarMismatch
            From ``kafka_jars``, before anything is started.
        """
        jars = fetched_jars(cache_folder())
        port = self._port = self._port or free_port()
        if listens(port):
            raise PortTaken(port)
        self.data.mkdir(parents=True, exist_ok=True)
        with self._log.locked() as log:
            self._prepare(port)
            try:
                self._format(jars, log)
                kafka = self._launch(java(jars, "kafka.Kafka", "server.properties"), log)
                self._await_answer(kafka, port)
            except BaseException:
                self.kill()
                raise

    def stop(self) -> None:
        """End the broker in good order (0.5 s), by force after 20 s; nothing happens where none runs."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End the broker at once, as a power cut would; nothing happens where none runs."""
        self._end(signal.SIGUSR1)

    def wait(self) -> None:
        """Block while the broker runs.

        Raises
        ------
        BrokerDown
            When it has ended, for whatever reason.
        """
        if self._process is not None:
            self._process.wait()
        raise BrokerDown(f"ended: {self._log.last_words()}", self.log)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _prepare(self, port: int) -> None:
        shutil.rmtree(self.data / "tmp", ignore_errors=True)  # native libraries that a killed JVM unpacked
        (self.data / "tmp").mkdir()
        settings = server_properties(port, controller_port=free_port())
        (self.data / "server.properties").write_text(settings, encoding="utf-8")

    def _format(self, jars: list[Path], log: IO[bytes]) -> None:
        if (self.data / "topics" / "meta.properties").exists():
            return
        tool = java(jars, "kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", "server.properties")
        if self._launch(tool, log).wait():
            raise BrokerDown(f"could not format its folder: {self._log.last_words()}", self.log)

    def _launch(self, command: list[str], log: IO[bytes]) -> subprocess.Popen[bytes]:
        watched = [sys.executable, "-I", "-S", supervisor.__file__, str(os.getpid()), *command]
        self._process = subprocess.Popen(  # noqa: S603 - the command is made here
            watched,
            cwd=self.data,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        return self._process

    def _await_answer(self, kafka: subprocess.Popen[bytes], port: int) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not answers(port):
            if kafka.poll() is not None:
                raise BrokerDown(f"did not start: {self._log.last_words()}", self.log)
            if time.monotonic() > deadline:
                raise BrokerDown(f"took no requests within {_START_SECONDS:.0f} s", self.log)
            time.sleep(_POLL_SECONDS)

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait()
            self._process = None
