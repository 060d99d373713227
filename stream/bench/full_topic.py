"""What the benchmarks of throughput have in common: a full topic, a worker on it, and a clock."""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from producers.bundled import REES46
from producers.logs import open_log
from producers.plan import ReplayPlan
from producers.replayer import Replay
from stream.client import Client
from stream.demo_child import WorkerProcess
from stream.demo_scene import Scene
from stream.views import View

__all__ = ["LOADS", "Load", "Run", "timed"]

_LOOK_SECONDS: Final = 0.2
_MIB: Final = 2**20


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What a benchmark puts before a worker, and what it must reach.

    ``app`` is the module of the worker's Faust app; ``bound`` is in events a second.
    """

    app: str
    events: int
    says: str
    bound: float
    learns: bool
    variables: dict[str, str]


LOADS: Final = {
    "ingest": Load(
        app="stream.ingest",
        events=400_000,
        says="decode, drop repeats, fold 100,000 uniform users' profiles, commit, changelog confirmed",
        bound=40_000,
        learns=False,
        variables={"HEADRACE_LEARNER": "no", "HEADRACE_BATCH": "1000"},
    ),
    "e2e": Load(
        app="stream.app",
        events=100_000,
        says="every event of the bundled rees46 log, looped, answered and learnt",
        bound=5_000,
        learns=True,
        variables={},
    ),
}


class Run(msgspec.Struct, frozen=True):
    """One run: how fast a worker took a full topic, and what it held in memory at the end."""

    events_per_second: float
    seconds: float
    resident_mib: int
    hit_rate_20: float


def timed(load: Load) -> Run:
    """Fill a topic, start a worker on it, and time it until all is handled and learnt."""
    with tempfile.TemporaryDirectory(prefix="headrace-bench-") as folder:
        scene = Scene.of({**os.environ, **load.variables}, Path(folder))
        variables = {**scene.variables, **load.variables}
        client = Client(scene.page)
        worker = WorkerProcess(variables, client, Path(folder) / "worker.log", load.app)
        with _running(scene, worker):
            _fill(load, scene)
            worker.release()
            return _time(client, worker, load)


@contextmanager
def _running(scene: Scene, worker: WorkerProcess) -> Iterator[None]:
    try:
        worker.start()
        if scene.kafka is not None:
            scene.kafka.start()
        yield
    finally:
        worker.kill()
        if scene.kafka is not None:
            scene.kafka.kill()


def _fill(load: Load, scene: Scene) -> None:
    log = REES46 if load.learns else _uniform_log(scene.folder, load.events)
    settings = scene.settings
    plan = ReplayPlan(
        log=open_log(log), broker=settings.broker, prefix=settings.topic_prefix, limit=load.events, loop=True
    )
    Replay(plan).run()


def _uniform_log(folder: Path, events: int) -> Path:
    """Write a log of views by 100,000 uniform users of 10,000 items, a millisecond apart."""
    draw = np.random.default_rng(0)
    users, items = draw.integers(100_000, size=events), draw.integers(10_000, size=events)
    path = folder / "uniform.csv"
    lines = (
        f"{1_700_000_000_000 + n},u{user},i{item}\n"
        for n, (user, item) in enumerate(zip(users, items, strict=True))
    )
    path.write_text("ts,user,item\n" + "".join(lines), encoding="utf-8")
    return path


def _time(client: Client, worker: WorkerProcess, load: Load) -> Run:
    started, view = time.monotonic(), View()
    while view.handled < load.events or (load.learns and view.learnt < view.handed_on):
        time.sleep(_LOOK_SECONDS)
        worker.check()
        view = client.status()
    seconds = time.monotonic() - started
    hit_rate = view.quality["headrace"].hit_rate_20
    return Run(round(load.events / seconds, 1), round(seconds, 2), view.resident_bytes // _MIB, hit_rate)
