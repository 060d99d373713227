"""Kafka's jars: only the listed bytes are run, and the network is asked once."""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from stream import kafka_jars
from stream.errors import JarMismatch, JarsUnavailable
from stream.kafka_jars import cache_folder, fetched_jars, listed_jars, verified_jars


@pytest.fixture
def jars(embedded: object, tmp_path: Path) -> Path:  # noqa: ARG001 - a broker that runs has filled the cache
    """A copy of the user's cache to spoil."""
    return Path(shutil.copytree(cache_folder(), tmp_path / "jars"))


def _no_network(_: Path) -> Iterator[Path]:
    raise ConnectionError("no route to host")


def test_every_listed_jar_is_there_in_order(jars: Path) -> None:
    assert [path.name for path in verified_jars(jars)] == [jar.filename for jar in listed_jars()]


def test_a_changed_jar_is_refused_by_name(jars: Path) -> None:
    changed = jars / "kafka-clients-4.2.0.jar"
    content = bytearray(changed.read_bytes())
    content[len(content) // 2] ^= 1
    changed.write_bytes(content)
    with pytest.raises(JarMismatch, match=r"kafka-clients-4\.2\.0\.jar"):
        fetched_jars(jars)


def test_a_missing_jar_is_refused_by_name(jars: Path) -> None:
    (jars / "slf4j-simple-1.7.36.jar").unlink()
    with pytest.raises(JarMismatch, match=r"slf4j-simple-1\.7\.36\.jar"):
        fetched_jars(jars)


def test_cached_jars_need_no_network(jars: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_jars, "_downloads", _no_network)
    assert len(fetched_jars(jars)) == len(listed_jars())


def test_a_fetch_that_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_jars, "_downloads", _no_network)
    with pytest.raises(JarsUnavailable, match="no route to host"):
        fetched_jars(tmp_path / "cache" / "kafka")
    assert list((tmp_path / "cache").iterdir()) == []


def test_two_fetches_at_once_leave_one_folder(
    jars: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both_fetched = Barrier(2, timeout=30)

    def downloads(repository: Path) -> Iterator[Path]:
        shutil.copytree(jars, repository)
        both_fetched.wait()
        yield from repository.iterdir()

    monkeypatch.setattr(kafka_jars, "_downloads", downloads)
    cache = tmp_path / "cache" / "kafka"
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(fetched_jars, [cache, cache])
    assert first == second
    assert list(cache.parent.iterdir()) == [cache]
