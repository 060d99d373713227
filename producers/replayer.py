"""Publishing a recorded log to Kafka."""

import asyncio
import threading
from collections.abc import Callable

from producers.errors import Undelivered
from producers.plan import ReplayPlan, Share
from producers.report import Progress, ReplayReport
from producers.shares import publish_share, publish_shares
from producers.topics import create_missing_topics

__all__ = ["Replay"]


class Replay:
    """Publishes a recorded log as its plan says; runs in any thread, once.

    Examples
    --------
    >>> plan = ReplayPlan(log=open_log(REES46), limit=1000)  # doctest: +SKIP
    >>> Replay(plan).run().events  # doctest: +SKIP
    1000
    """

    def __init__(self, plan: ReplayPlan) -> None:
        self._plan = plan
        self._stop = threading.Event()

    def stop(self) -> None:
        """Have `run` return soon, with the report of what was confirmed; for any thread or a signal."""
        self._stop.set()

    def run(self, on_progress: Callable[[Progress], None] = lambda _: None) -> ReplayReport:
        """Publish, and return the report once the broker has confirmed every record.

        Parameters
        ----------
        on_progress
            Called about ten times a second, from this thread.

        Raises
        ------
        BrokerDown
            If no broker answers at the start.
        UnusableLog
            If the log cannot be read.
        Undelivered
            If the broker vanished, or refused records; has the report of what was confirmed.
        ShareLost
            If a process of the replay was killed.
        """
        plan = self._plan
        create_missing_topics(plan.broker, plan.topics, plan.partitions)
        if plan.processes > 1:
            report = publish_shares(plan, self._stop, on_progress)
        else:
            report = asyncio.run(publish_share(plan, Share(), self._stop, on_progress))
        if report.failure:
            raise Undelivered(report)
        return report
