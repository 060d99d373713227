"""The replay of a demo: the log goes out in a thread of its own, at a rate that is tuned from outside."""

from concurrent.futures import Future, ThreadPoolExecutor

from producers.logs import Log
from producers.pace import TunedRate
from producers.plan import ReplayPlan
from producers.replayer import Replay
from producers.report import Progress, ReplayReport
from stream.settings import Settings

__all__ = ["Feed"]


class Feed:
    """Publishes a log as a worker takes it.

    Parameters
    ----------
    log
        What to publish.
    limit
        The most events, None for all.
    settings
        Say to which broker and topics.
    rate
        Events a second to begin with; `tune` changes it.
    """

    def __init__(self, log: Log, limit: int | None, settings: Settings, rate: float) -> None:
        self._pace = TunedRate(rate)
        plan = ReplayPlan(
            log=log,
            broker=settings.broker,
            prefix=settings.topic_prefix,
            partitions=settings.partitions,
            schedule=self._pace,
            limit=limit,
        )
        self._replay = Replay(plan)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="replay")
        self._report: Future[ReplayReport] | None = None
        self.progress = Progress(0, 0.0)

    def start(self) -> None:
        """Begin to publish."""
        self._report = self._thread.submit(self._replay.run, self._note)

    def tune(self, rate: float) -> None:
        """Go on at ``rate`` events a second."""
        self._pace.rate = rate

    def report(self) -> ReplayReport | None:
        """Return the report once all is confirmed, None before; raises the `ProducerError` that ended it."""
        return self._report.result() if self._report is not None and self._report.done() else None

    def stop(self) -> None:
        """End the replay, wherever it is, and its thread."""
        self._replay.stop()
        self._thread.shutdown()

    def _note(self, progress: Progress) -> None:
        self.progress = progress
