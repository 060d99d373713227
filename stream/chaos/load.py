"""What goes into the system while a storm is over it: a recorded log, over and over, at a rate."""

import csv
import gzip
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final

from producers.bundled import REES46
from producers.logs import open_log
from producers.pace import TunedRate
from producers.plan import ReplayPlan
from producers.replayer import Replay
from producers.report import Progress, ReplayReport
from stream.settings import Settings

__all__ = ["Load", "write_storm_log"]

# What an event is outlasts any outage of a storm.
_TIMEOUT_SECONDS: Final = 900.0
_COLUMNS: Final = ("ts", "user", "item", "event", "session", "price")
# Every third event is one of a few users, whose older event ids fill blocks. They see no prices: with more
# price bands than a profile holds, which of them stay would depend on the order of arrival.
_BUSY_EVERY: Final = 3
_BUSY_USERS: Final = 40
_BUY_EVERY: Final = 10
_RETURN_EVERY: Final = 40


class Load:
    """Publishes a log again and again; begins and ends when told.

    Parameters
    ----------
    log
        The file.
    settings
        Say to which broker and topics.
    rate
        Events a second to begin with; `tune` changes it.
    """

    def __init__(self, log: Path, settings: Settings, rate: float) -> None:
        self._pace = TunedRate(rate)
        plan = ReplayPlan(
            log=open_log(log),
            broker=settings.broker,
            prefix=settings.topic_prefix,
            partitions=settings.partitions,
            schedule=self._pace,
            loop=True,
            timeout=_TIMEOUT_SECONDS,
        )
        self._replay = Replay(plan)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="storm-load")
        self._report: Future[ReplayReport] | None = None
        self.sent = 0

    def start(self) -> None:
        """Begin to publish."""
        self._report = self._thread.submit(self._replay.run, self._note)

    def tune(self, rate: float) -> None:
        """Go on at ``rate`` events a second."""
        self._pace.rate = rate

    def finish(self) -> None:
        """Publish nothing more, and return when the broker has the rest; raises `ProducerError`."""
        self._replay.stop()
        self._thread.shutdown()
        if self._report is not None:
            self._report.result()

    def _note(self, progress: Progress) -> None:
        self.sent = progress.sent


def write_storm_log(path: Path) -> None:
    """Write the bundled log so that a storm finds more to break: with many orders, returns and busy users.

    What it says of items is left out: profiles take from the catalog what it says at the moment of the fold,
    which no function of the source topics alone can tell.
    """
    with gzip.open(REES46, "rt", encoding="utf-8") as source, path.open("w", encoding="utf-8") as target:
        writer = csv.DictWriter(target, _COLUMNS, extrasaction="ignore")
        writer.writeheader()
        for number, row in enumerate(csv.DictReader(source)):
            writer.writerows(_varied(number, row))


def _varied(number: int, row: Mapping[str, str]) -> Iterator[Mapping[str, str]]:
    if number % _BUSY_EVERY == 0:
        row = {**row, "user": f"busy-{number % _BUSY_USERS}", "price": ""}
    if number % _BUY_EVERY == 0:
        row = {**row, "event": "purchase"}
    yield row
    if number % _RETURN_EVERY == 0:
        yield {**row, "event": "refund"}
