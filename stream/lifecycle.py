"""How a worker's app is put together, started and stopped."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import faust
from faust.types import TP, StreamT
from faust.types.agents import AgentFun
from mode.supervisors import CrashingSupervisor

from models.errors import ModelError
from stream import crash_points
from stream.agents import describe, erase, learn, observe
from stream.books import broker_addresses
from stream.brain import Brain
from stream.chunks import Chunk
from stream.errors import PortTaken, StreamError
from stream.ports import listens
from stream.process_end import end_with_main_thread, say_seldom
from stream.security import admin_security, credentials
from stream.settings import BadSetting, Settings
from stream.topic_setup import create_missing
from stream.topics import FORGET
from stream.transport import FAUST_SETTINGS, chunk_topic, chunks_url, seek_by
from stream.web import add_pages
from stream.worker import Worker

__all__ = ["Headrace", "build"]

Steps = Callable[[Worker, StreamT[Chunk]], Awaitable[None]]


class Headrace(faust.App):
    """A Faust app with the parts of a worker: it opens topics and store before Faust's own services."""

    worker: Worker
    settings: Settings

    async def on_start(self) -> None:
        """Create the topics and open store and model; where that fails, end the process with one line."""
        say_seldom()
        try:
            await self._open()
        except (StreamError, ModelError) as error:
            raise SystemExit(f"headrace: {error}") from None
        await super().on_start()

    async def _open(self) -> None:
        settings = self.settings
        if self.conf.web_enabled and listens(self.conf.web_port):
            raise PortTaken(self.conf.web_port)
        wanted, security = self.worker.topics.wanted(), admin_security(settings)
        differences = await asyncio.to_thread(create_missing, broker_addresses(self), wanted, security)
        for difference in differences:
            self.log.warning(difference)
        await self.worker.open()

    async def on_stop(self) -> None:
        """End the agents and finish what is under way; only then may Faust commit and stop the rest."""
        end_with_main_thread()
        await self.agents.stop()
        await self.worker.finish()
        await super().on_stop()

    async def on_shutdown(self) -> None:
        """Close model and store, once nothing is left that would ask them."""
        await super().on_shutdown()
        self.worker.close()


def build(settings: Settings, observe: Steps = observe) -> Headrace:
    """Return the app that these settings describe; nothing is opened before it starts.

    ``observe`` is what happens to the events of the source topics.

    Raises
    ------
    BadSetting
        If the device is not there or the data folder cannot be made.
    """
    _make(settings.data_dir)
    crash_points.arm(settings.crash_at)
    app = Headrace(
        settings.app_id,
        broker=chunks_url(settings.broker),
        broker_credentials=credentials(settings),
        datadir=str(settings.data_dir / "faust"),
        consumer_group_instance_id=f"{socket.gethostname()}-{settings.data_dir.resolve()}".replace("/", "_"),
        topic_partitions=settings.partitions,
        topic_disable_leader=True,
        web_bind=settings.web_bind,
        **{**FAUST_SETTINGS, "producer_linger": settings.linger_ms / 1000},
    )
    app.settings = settings
    app.worker = worker = Worker(app, settings, Brain(settings))
    _add_agents(app, worker, observe)
    _watch_partitions(app, worker)
    add_pages(app, worker)
    return app


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadSetting(
            f"HEADRACE_DATA_DIR={str(folder)!r}: it cannot be made ({error.strerror}); set another one"
        ) from error


def _add_agents(app: faust.App, worker: Worker, observe: Steps) -> None:
    name = worker.topics.name
    agents: dict[str, tuple[Steps, tuple[str, ...]]] = {
        "observe": (observe, worker.sources),
        "erase": (erase, (name(FORGET),)),
        "describe": (describe, (name("catalog"),)),
    }
    if worker.settings.learner != "no":
        agents["learn"] = (learn, (name("examples"),))
    for agent, (steps, topics) in agents.items():
        # What escapes an agent ends the worker: what it had in hand is not acknowledged and comes again.
        app.agent(chunk_topic(app, *topics), name=agent, supervisor_strategy=CrashingSupervisor)(
            _with(worker, steps)
        )


def _with(worker: Worker, steps: Steps) -> AgentFun[Chunk]:
    async def agent(chunks: StreamT[Chunk]) -> None:
        await steps(worker, chunks)

    return agent


def _watch_partitions(app: faust.App, worker: Worker) -> None:
    async def next_offsets(assigned: frozenset[TP]) -> dict[TP, int]:
        await worker.take_part(assigned)
        return {tp: worker.next_offset(tp) for tp in assigned}

    async def give_up(*sent: Any, **_: Any) -> None:
        _, revoked = sent  # the app and the partitions
        await worker.give_up(revoked)

    async def take_over(*_: Any, **__: Any) -> None:
        await worker.take_over(app.consumer.assignment())

    seek_by(app, next_offsets)
    app.on_partitions_revoked.connect(give_up)
    app.on_rebalance_complete.connect(take_over)
