"""A worker as users run it, in a process of its own, and what tests do around it."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from pathlib import Path
from time import monotonic, sleep
from typing import Any, NamedTuple, Self
from uuid import uuid4

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from stream.ports import LOOPBACK, free_port

# A free machine needs 8 s to import torch and be ready; a busy one many times that.
DEADLINE = 120.0  # seconds
_LOOK_AGAIN = 0.05
_ROOT = Path(__file__).parents[2]


def until(condition: Callable[[], bool], what: str, seconds: float = DEADLINE) -> None:
    """Wait for a condition, looking every 50 ms."""
    end = monotonic() + seconds
    while not condition():
        assert monotonic() < end, f"not within {seconds} s: {what}"
        sleep(_LOOK_AGAIN)


class Shop(NamedTuple):
    """Where a worker and its producers and readers meet: a broker and a prefix of topics."""

    broker: str
    prefix: str

    @classmethod
    def new(cls, broker: str) -> "Shop":
        """A shop with a prefix that no other test has."""
        return cls(broker, f"test-{uuid4().hex[:12]}-")

    def topic(self, name: str) -> str:
        return self.prefix + name

    def environment(self, **settings: object) -> dict[str, str]:
        """The environment of a process for this shop; ``settings`` as in ``top_k=5``."""
        given = {"broker": f"kafka://{self.broker}", "topic_prefix": self.prefix, "app_id": self.prefix}
        given |= {"device": "cpu", **settings}
        others = {name: value for name, value in os.environ.items() if not name.startswith("HEADRACE_")}
        return others | {f"HEADRACE_{name.upper()}": str(value) for name, value in given.items()}

    def command(self, *arguments: object) -> "subprocess.Popen[str]":
        """Start ``headrace`` with these arguments."""
        return subprocess.Popen(
            [_script("headrace"), *map(str, arguments)],
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def publish(self, records: "Iterable[tuple[str, bytes | None, bytes | None]]") -> None:
        """Publish topic, key and value of each, in order, with nothing of Headrace; return once confirmed."""
        producer = KafkaProducer(bootstrap_servers=self.broker, linger_ms=5, max_request_size=3_000_000)
        try:
            sent = [producer.send(self.topic(name), key=key, value=value) for name, key, value in records]
            for future in sent:
                future.get(DEADLINE)
        finally:
            producer.close()

    def read(self, name: str) -> list[Any]:
        """All records of a topic, those of each partition in the order of its log."""
        log = Log(self, name)
        try:
            return log.read_to_end()
        finally:
            log.close()


def finished(process: "subprocess.Popen[str]") -> str:
    """Wait for a command that must succeed; return what it said."""
    said, _ = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0, said
    return said


class Log:
    """A topic as a consumer of kafka-python alone reads it, from its beginning."""

    def __init__(self, shop: Shop, name: str) -> None:
        self.records: list[Any] = []
        self._consumer = KafkaConsumer(
            bootstrap_servers=shop.broker, auto_offset_reset="earliest", max_partition_fetch_bytes=4_000_000
        )
        numbers = sorted(self._consumer.partitions_for_topic(shop.topic(name)) or ())
        self._places = [TopicPartition(shop.topic(name), number) for number in numbers]
        self._consumer.assign(self._places)

    def read(self) -> list[Any]:
        """Take what is there; return all records read so far."""
        for records in self._consumer.poll(timeout_ms=20).values():
            self.records += records
        return self.records

    def read_to_end(self) -> list[Any]:
        """Read what was published until now; return all records read so far."""
        end = sum(self._consumer.end_offsets(self._places).values())
        until(lambda: len(self.read()) >= end, f"{end} records of {self._places}")
        return self.records

    def close(self) -> None:
        self._consumer.close()


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
        command = [_script("faust"), "-A", "stream.app", "worker", "-l", "info"]
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

    def get(self, path: str) -> Answer:
        """Ask the web port."""
        try:
            with urllib.request.urlopen(f"http://{LOOPBACK}:{self.port}{path}", timeout=10) as answer:
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


def _script(name: str) -> str:
    return str(Path(sys.executable).with_name(name))
