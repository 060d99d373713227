"""The embedded Kafka: it answers, keeps its records, and never outlives its parent."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaTimeoutError
from shop import until

from stream.broker import Broker
from stream.errors import BrokerDown, FolderTaken, PortTaken
from stream.ports import LOOPBACK, free_port, listens

_SECONDS = 60.0  # for what takes 1 to 5 s on a free core
_TWO_DAYS_MS = 2 * 86_400_000
_COMMAND = "from stream.cli_broker import broker; broker()"
_PARENT = """
import sys, signal
from pathlib import Path
from stream.broker import Broker
broker = Broker(Path(sys.argv[1]))
broker.start()
print(broker.address, broker._process.pid, flush=True)
signal.pause()
"""


def _create(address: str, topic: str) -> None:
    with KafkaAdminClient(bootstrap_servers=address) as admin:
        admin.create_topics({topic: {"num_partitions": 1}}, wait_for_metadata=True)


def _send(address: str, topic: str, value: bytes, at_ms: int | None = None, **settings: object) -> None:
    producer = KafkaProducer(bootstrap_servers=address, acks="all", max_request_size=4 << 20, **settings)
    try:
        producer.send(topic, value, timestamp_ms=at_ms).get(timeout=_SECONDS)
    finally:
        producer.close()


def _first_value(address: str, topic: str) -> bytes:
    consumer = KafkaConsumer(
        bootstrap_servers=address, auto_offset_reset="earliest", consumer_timeout_ms=_SECONDS * 1000
    )
    try:
        consumer.assign([TopicPartition(topic, 0)])
        return next(consumer).value
    finally:
        consumer.close()


def _group_is_gone(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


@contextmanager
def _running(code: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A Python process in a group of its own, as a terminal starts it; killed if the test left it."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server((LOOPBACK, 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize("end", [Broker.stop, Broker.kill], ids=["stopped", "killed"])
def test_records_outlive_a_broker_that_was(end: Callable[[Broker], None], tmp_path: Path) -> None:
    with Broker(tmp_path / "made" / "kafka") as broker:
        address = broker.address
        _create(address, "kept")
        _send(address, "kept", b"value")
        end(broker)
        assert not listens(int(address.rpartition(":")[2]))
        broker.start()
        assert broker.address == address
        assert _first_value(address, "kept") == b"value"


def test_a_two_megabyte_value_from_the_future_is_kept(broker: str, topic_prefix: str) -> None:
    topic = f"{topic_prefix}large"
    value = os.urandom(2 << 20)
    _create(broker, topic)
    _send(broker, topic, value, at_ms=int(time.time() * 1000) + _TWO_DAYS_MS)
    assert _first_value(broker, topic) == value


def test_no_topic_comes_into_being_by_being_written_to(broker: str, topic_prefix: str) -> None:
    topic = f"{topic_prefix}unknown"
    with pytest.raises(KafkaTimeoutError):
        _send(broker, topic, b"value", max_block_ms=1_000)
    with KafkaAdminClient(bootstrap_servers=broker) as admin:
        assert topic not in admin.list_topics()


def test_the_log_tells_that_kafka_started(embedded: Broker) -> None:
    lines = embedded.log.read_text(encoding="utf-8").splitlines()
    assert any(" INFO " in line and "Kafka Server started" in line for line in lines)


def test_a_taken_port_is_an_error(taken_port: int, tmp_path: Path) -> None:
    with pytest.raises(PortTaken, match=str(taken_port)):
        Broker(tmp_path, taken_port).start()


def test_one_folder_serves_one_broker(embedded: Broker) -> None:
    with pytest.raises(FolderTaken, match=str(embedded.data)):
        Broker(embedded.data).start()


def test_a_kafka_that_ends_while_it_starts_is_an_error(tmp_path: Path) -> None:
    with Broker(tmp_path):
        pass
    (tmp_path / "topics" / "meta.properties").write_text("version=1\ncluster.id=another\nnode.id=7\n")
    with pytest.raises(BrokerDown, match=r"did not start: .*Stored node id 7"):
        Broker(tmp_path).start()


def test_a_folder_that_cannot_be_formatted_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "topics").write_text("a file, not a folder")
    with pytest.raises(BrokerDown, match="could not format"):
        Broker(tmp_path).start()


def test_no_broker_outlives_a_killed_parent(tmp_path: Path) -> None:
    with _running(_PARENT, tmp_path) as parent:
        assert parent.stdout is not None
        address, group = parent.stdout.readline().split()
        port = int(address.rpartition(":")[2])
        assert listens(port)
        parent.kill()
    until(lambda: _group_is_gone(int(group)), "its processes are gone")
    assert not listens(port)


def test_waiting_for_a_broker_ends_with_it(tmp_path: Path) -> None:
    with Broker(tmp_path) as broker:
        assert broker._process is not None
        os.killpg(broker._process.pid, signal.SIGKILL)
        with pytest.raises(BrokerDown, match=r"ended: .*kafka\.log"):
            broker.wait()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_stops_cleanly_on(number: signal.Signals, tmp_path: Path) -> None:
    port = free_port()
    with _running(_COMMAND, "--port", port, "--data", tmp_path) as command:
        assert command.stdout is not None
        assert f"{LOOPBACK}:{port}" in command.stdout.readline()
        os.killpg(command.pid, number)
        _, errors = command.communicate(timeout=_SECONDS)
        assert (command.returncode, errors) == (0, "")
    assert not listens(port)


def test_the_command_says_in_one_line_that_its_port_is_taken(taken_port: int, tmp_path: Path) -> None:
    with _running(_COMMAND, "--port", taken_port, "--data", tmp_path) as command:
        _, errors = command.communicate(timeout=_SECONDS)
        assert command.returncode == 1
        assert errors.count("\n") == 1
        assert f"port {taken_port}" in errors
