"""Topics as they must be, and what a worker says where it cannot work: one line."""

import asyncio
import re
import shutil
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from shop import DEADLINE, Shop
from snapshots import write_as_format
from worker_process import WorkerProcess

from stream.lifecycle import build
from stream.ports import LOOPBACK, free_port
from stream.settings import Settings

_PARTITIONS = 3
_INPUTS = ["clicks", "purchases", "catalog", "forget"]
_OUTPUTS = ["recommendations", "decisions", "profiles", *(f"{name}.dlq" for name in [*_INPUTS, "examples"])]
_CHECKPOINTS = Path(__file__).parents[1] / "golden" / "checkpoint-4"
_WANTED = dict.fromkeys([*_INPUTS, *_OUTPUTS], _PARTITIONS) | {"examples": 1}


@pytest.fixture(scope="module")
def admin(broker: str) -> Iterator[KafkaAdminClient]:
    client = KafkaAdminClient(bootstrap_servers=broker)
    yield client
    client.close()


class Started(NamedTuple):
    """Workers that were started side by side: most of their time goes into imports."""

    sound: WorkerProcess  # but for a topic that is there with another policy
    without_broker: WorkerProcess
    misspelt: WorkerProcess
    of_another_version: WorkerProcess  # by the checkpoints in its folder


@pytest.fixture(scope="module")
def started(
    broker: str, admin: KafkaAdminClient, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Started]:
    folder, shop = tmp_path_factory.mktemp("workers"), Shop.new(broker)
    nowhere = Shop.new(f"{LOOPBACK}:{free_port()}")
    other = {"num_partitions": _PARTITIONS, "configs": {"cleanup.policy": "delete"}}
    admin.create_topics({shop.topic("profiles"): other}, wait_for_metadata=True)
    checkpoints = folder / "another-version" / "state" / "model"
    shutil.copytree(_CHECKPOINTS, checkpoints)
    for file in checkpoints.iterdir():
        write_as_format(file, 99)
    with (
        WorkerProcess(shop, folder / "sound", partitions=_PARTITIONS) as sound,
        WorkerProcess(nowhere, folder / "without-broker") as without_broker,
        WorkerProcess(shop, folder / "misspelt", linger=5) as misspelt,
        WorkerProcess(Shop.new(broker), folder / "another-version") as of_another_version,
    ):
        yield Started(sound, without_broker, misspelt, of_another_version)


def _start_here(shop: Shop, folder: Path, web_port: int) -> None:
    """Start a worker's app in this process, without what Faust puts around it."""
    names = {"BROKER": f"kafka://{shop.broker}", "TOPIC_PREFIX": shop.prefix, "DATA_DIR": str(folder)}
    app = build(Settings.of({f"HEADRACE_{name}": value for name, value in names.items()}))
    app.conf.web_port = web_port
    asyncio.run(app.on_start())


def _last_word(worker: WorkerProcess) -> str:
    """What a worker says that cannot start: one line, no traceback, and exit status 1."""
    assert worker.process.wait(DEADLINE) == 1
    assert "Traceback" not in worker.log
    assert worker.log.count("headrace: ") == 1
    return worker.log.splitlines()[-1]


def test_topics_are_made_with_their_partitions_and_policies(
    started: Started, admin: KafkaAdminClient
) -> None:
    shop = started.sound.ready().shop
    wanted = {shop.topic(name): partitions for name, partitions in _WANTED.items()}
    found = admin.describe_topics(list(wanted))
    assert {topic["name"]: len(topic["partitions"]) for topic in found} == wanted
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in wanted]
    configs = admin.describe_configs(resources)["topic"]
    policies = {name: config.get("cleanup.policy", {}).get("value") for name, config in configs.items()}
    examples = configs[shop.topic("examples")]
    assert examples["retention.ms"]["value"] == "604800000"
    assert examples["max.message.bytes"]["value"] == "4194304"
    there_before = {shop.topic("profiles"): "delete"}
    assert policies == dict.fromkeys(wanted) | {shop.topic("catalog"): "compact"} | there_before


def test_another_policy_is_reported_and_left_as_it_is(started: Started) -> None:
    worker = started.sound.ready()
    topic = worker.shop.topic("profiles")
    assert f"topic {topic} has cleanup.policy=delete, not compact" in worker.log


@pytest.mark.parametrize(
    ("name", "wanted", "way_out"),
    [
        ("clicks", 4, "set HEADRACE_PARTITIONS=8"),
        ("examples", 1, "delete it"),
        ("recommendations", 4, "delete it"),
        ("clicks.dlq", 4, "delete it"),
    ],
)
def test_another_number_of_partitions_is_refused_with_a_way_out(
    broker: str, tmp_path: Path, name: str, wanted: int, way_out: str
) -> None:
    shop = Shop.new(broker)
    with closing(KafkaAdminClient(bootstrap_servers=broker)) as admin:
        admin.create_topics({shop.topic(name): {"num_partitions": 8, "configs": {}}}, wait_for_metadata=True)
    said = re.escape(f"headrace: topic {shop.topic(name)} has 8 partitions, not {wanted}: {way_out}, or ")
    with pytest.raises(SystemExit, match=said):
        _start_here(shop, tmp_path, free_port())


def test_a_taken_web_port_is_refused(broker: str, tmp_path: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as taken, pytest.raises(SystemExit, match="headrace: port "):
        _start_here(Shop.new(broker), tmp_path, taken.getsockname()[1])


def test_a_dead_broker_is_named(started: Started) -> None:
    worker = started.without_broker
    assert _last_word(worker).startswith(f"headrace: no Kafka answers at {worker.shop.broker} ")


def test_an_unknown_setting_is_refused_with_the_nearest_name(started: Started) -> None:
    said = _last_word(started.misspelt)
    assert said == "headrace: unknown setting HEADRACE_LINGER: did you mean HEADRACE_LINGER_MS?"


def test_a_checkpoint_of_another_version_is_refused_with_what_to_do(started: Started) -> None:
    said = _last_word(started.of_another_version)
    assert re.fullmatch(r"headrace: .*checkpoint format 99.*: start the version that wrote it, or .*", said)
