"""A replay spread over processes: each reads the whole log and publishes its own users."""

import asyncio
import multiprocessing
import signal
from collections.abc import Callable
from functools import reduce
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from multiprocessing.synchronize import Barrier, Event
from typing import Final, NamedTuple

from producers.delivery import Delivery
from producers.errors import ProducerError, ShareLost
from producers.plan import ReplayPlan, Share
from producers.publication import Publication, StopSign
from producers.report import Progress, ReplayReport

__all__ = ["publish_share", "publish_shares"]

_POLL_SECONDS: Final = 0.1
# Starting a Python process takes about half a second; a busy machine may need many times that.
_START_SECONDS: Final = 60.0


async def publish_share(
    plan: ReplayPlan, share: Share, stop: StopSign, on_progress: Callable[[Progress], None]
) -> ReplayReport:
    """Publish one share in this process; raises `BrokerDown` and `UnusableLog`."""
    async with Delivery(plan.broker, plan.timeout) as delivery:
        return await Publication(plan, share, delivery).run(stop, on_progress)


def publish_shares(plan: ReplayPlan, stop: StopSign, on_progress: Callable[[Progress], None]) -> ReplayReport:
    """Publish the plan's shares, a process each, and return the report of them all.

    Raises
    ------
    BrokerDown, UnusableLog, ShareLost
        What ended one of the processes; the others are stopped.
    """
    context = multiprocessing.get_context("spawn")
    signs = _Signs(context.Event(), context.Barrier(plan.processes))
    crew: dict[Connection, SpawnProcess] = {}
    try:
        for index in range(plan.processes):
            here, there = context.Pipe(duplex=False)
            crew[here] = context.Process(
                target=_work, args=(plan, Share(index, plan.processes), there, signs)
            )
            crew[here].start()
            there.close()
        return _gather(list(crew), signs, stop, on_progress)
    finally:
        signs.stop.set()
        signs.start.abort()
        for process in crew.values():
            process.join()


class _Signs(NamedTuple):
    """What the processes of one replay have in common: to stop, and to start together."""

    stop: Event
    start: Barrier


def _work(plan: ReplayPlan, share: Share, link: Connection, signs: _Signs) -> None:
    # Ctrl-C reaches the whole foreground group; the parent answers it and sets the sign.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signs.start.wait(_START_SECONDS)
    try:
        link.send(asyncio.run(publish_share(plan, share, signs.stop, link.send)))
    except ProducerError as error:
        link.send(error)


def _gather(
    links: list[Connection], signs: _Signs, stop: StopSign, on_progress: Callable[[Progress], None]
) -> ReplayReport:
    progress = dict.fromkeys(links, Progress(0, 0.0))
    reports: dict[Connection, ReplayReport] = {}
    while len(reports) < len(links):
        if stop.is_set():
            signs.stop.set()
        ready = wait(set(links) - reports.keys(), _POLL_SECONDS)
        for link in (link for link in links if link in ready):
            message = _receive(link)
            if isinstance(message, ReplayReport):
                reports[link] = message
            else:
                progress[link] = message
        on_progress(_together(list(progress.values())))
    return reduce(ReplayReport.with_share, (reports[link] for link in links))


def _receive(link: Connection) -> Progress | ReplayReport:
    try:
        message: Progress | ReplayReport | ProducerError = link.recv()
    except EOFError:
        raise ShareLost from None
    if isinstance(message, ProducerError):
        raise message
    return message


def _together(parts: list[Progress]) -> Progress:
    return Progress(sum(part.sent for part in parts), min(part.fraction for part in parts))
