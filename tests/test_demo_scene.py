"""Where a demo runs: what the user has set, and what the demo sets for its worker."""

from pathlib import Path

import pytest

from stream.demo_scene import Scene
from stream.settings import BadSetting

_FOLDER = Path("/folder")


def test_without_a_broker_the_demo_has_a_kafka_of_its_own() -> None:
    scene = Scene.of({"HEADRACE_TOPIC_PREFIX": "shop-", "HOME": "/home/ann"}, _FOLDER)
    assert scene.kafka is not None
    assert scene.kafka.data == _FOLDER / "kafka"
    assert scene.settings.broker == f"kafka://{scene.kafka.address}"
    assert scene.settings.topic_prefix == "shop-"


def test_on_the_users_broker_two_demos_do_not_mix() -> None:
    scenes = [Scene.of({"HEADRACE_BROKER": "kafka://shop:9092"}, _FOLDER) for _ in range(2)]
    for scene in scenes:
        assert scene.kafka is None
        assert scene.settings.broker == "kafka://shop:9092"
        assert scene.settings.topic_prefix in scene.location
    assert len({scene.settings.topic_prefix for scene in scenes} - {""}) == 2
    assert len({scene.settings.app_id for scene in scenes}) == 2


def test_on_the_users_broker_the_users_prefix_is_kept_be_it_empty() -> None:
    for prefix in ("", "shop-"):
        scene = Scene.of({"HEADRACE_BROKER": "shop:9092", "HEADRACE_TOPIC_PREFIX": prefix}, _FOLDER)
        assert (scene.settings.topic_prefix, scene.settings.app_id) == (prefix, "headrace")


def test_the_worker_keeps_all_in_the_folder_and_learns() -> None:
    scene = Scene.of({"HEADRACE_DATA_DIR": "/shop", "HEADRACE_LEARNER": "no"}, _FOLDER)
    assert (scene.settings.data_dir, scene.settings.learner) == (_FOLDER / "worker", "yes")
    assert scene.variables["TMPDIR"] == "/folder"


def test_the_page_is_where_the_worker_serves_it() -> None:
    for bind, host in (("0.0.0.0", "127.0.0.1"), ("127.0.0.1", "127.0.0.1"), ("10.0.0.7", "10.0.0.7")):  # noqa: S104 - a name, nothing is bound
        assert Scene.of({"HEADRACE_WEB_BIND": bind}, _FOLDER).page.startswith(f"http://{host}:")


def test_an_unknown_setting_is_an_error() -> None:
    with pytest.raises(BadSetting, match="HEADRACE_BROKER"):
        Scene.of({"HEADRACE_BROKR": "shop:9092"}, _FOLDER)
