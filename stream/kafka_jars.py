"""Apache Kafka's jars: fetched once, kept in the user's cache, verified at every start.

``kafka.sha256`` lists each jar that ``org.apache.kafka:kafka_2.13:4.2.0`` needs at run time, and an SLF4J
binding, without which Kafka logs nothing. A listed jar is fetched by its coordinate: no dependency is
resolved on a user's machine, and every machine runs the very same bytes.
"""

import os
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from jgo.maven import MavenContext
from rich.console import Console
from rich.progress import track

from stream.errors import JarMismatch, JarsUnavailable

__all__ = ["KAFKA_VERSION", "Jar", "cache_folder", "fetched_jars", "listed_jars", "verified_jars"]

KAFKA_VERSION = "4.2.0"

_LIST = Path(__file__).with_name("kafka.sha256")
_DOWNLOADS_AT_ONCE = 8  # 4 s against 25 s one by one
_DOWNLOAD_TIMEOUT_SECONDS = 60


class Jar(NamedTuple):
    """One line of ``kafka.sha256``.

    Examples
    --------
    >>> Jar("0" * 64, "org.slf4j", "slf4j-simple", "1.7.36").filename
    'slf4j-simple-1.7.36.jar'
    """

    sha256: str
    group: str
    artifact: str
    version: str

    @property
    def filename(self) -> str:
        """The name of the jar's file, in a repository as in the cache."""
        return f"{self.artifact}-{self.version}.jar"


def listed_jars() -> tuple[Jar, ...]:
    """Every jar of the committed list, in the order of the class path.

    Examples
    --------
    >>> len(listed_jars())
    46
    """
    lines = (line.split() for line in _LIST.read_text(encoding="utf-8").splitlines())
    return tuple(Jar(digest, *coordinate.split(":")) for digest, coordinate in lines)


def cache_folder() -> Path:
    """Where this user's copy of the jars lies, be it there yet or not."""
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(caches) / "headrace" / f"kafka-{KAFKA_VERSION}"


def fetched_jars(folder: Path) -> list[Path]:
    """Return the verified jars in ``folder``, fetched first where there is no such folder.

    The folder appears whole or not at all, also when two processes start at once; once it is there no network
    is used.

    Raises
    ------
    JarsUnavailable
        When a jar cannot be fetched.
    JarMismatch
        When a jar is not the listed one, freshly fetched or in the cache.
    """
    if not folder.exists():
        _fetch(folder)
    return verified_jars(folder)


def verified_jars(folder: Path) -> list[Path]:
    """Return the jars in ``folder`` in the order of the class path, each with its listed SHA-256.

    Reads every byte, 45 MB, in 0.14 s.

    Raises
    ------
    JarMismatch
        Names the first jar that is missing or differs.
    """
    jars = [(jar, folder / jar.filename) for jar in listed_jars()]
    for jar, path in jars:
        if not path.is_file() or sha256(path.read_bytes()).hexdigest() != jar.sha256:
            raise JarMismatch(path)
    return [path for _, path in jars]


def _fetch(folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"{folder.name}.", dir=folder.parent) as staging:
        complete = Path(staging) / "jars"
        complete.mkdir()
        try:
            for path in _shown(_downloads(Path(staging) / "repository")):
                path.rename(complete / path.name)
        except (OSError, RuntimeError) as error:
            raise JarsUnavailable(str(error)) from error
        verified_jars(complete)
        _move_unless_there(complete, folder)


def _downloads(repository: Path) -> Iterator[Path]:
    maven = MavenContext(repo_cache=repository, timeout=_DOWNLOAD_TIMEOUT_SECONDS)

    def download(jar: Jar) -> Path:
        return maven.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve()

    with ThreadPoolExecutor(_DOWNLOADS_AT_ONCE) as pool:
        yield from pool.map(download, listed_jars())


def _shown(downloads: Iterable[Path]) -> Iterable[Path]:
    return track(
        downloads,
        description=f"Fetching Apache Kafka {KAFKA_VERSION} (45 MB, only once)",
        total=len(listed_jars()),
        console=Console(stderr=True),
    )


def _move_unless_there(complete: Path, folder: Path) -> None:
    try:
        complete.rename(folder)
    except OSError:
        if not folder.is_dir():  # it is there when a process that started at the same time was first
            raise
