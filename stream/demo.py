"""The demo: a Kafka, a worker and a recorded log, from nothing to a report and back to nothing."""

import math
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import msgspec

from producers.logs import open_log, read_log
from producers.reading import Reading
from producers.report import ReplayReport
from stream.client import Client, WorkerAway
from stream.demo_child import WorkerProcess
from stream.demo_feed import Feed
from stream.demo_rate import RateControl
from stream.demo_report import DemoReport, Timing
from stream.demo_scene import Scene
from stream.demo_topics import delete_topics, record_count
from stream.demo_view import Moment, Screen
from stream.errors import StreamError
from stream.topics import Topics
from stream.views import View

__all__ = ["Demo", "DemoPlan", "Stalled"]

# Between two looks at the worker, in seconds.
_LOOK_SECONDS: Final = 0.25
# Events that may wait to be learnt where no rate is asked for: as many as `headrace evaluate` takes at once,
# so that a log in which users follow one another closely (`retailrocket`) is foreseen as well as there.
_MOST_WAITING: Final = 64
# A worker that has been given work and has done none of it for so long never will.
_PATIENCE_SECONDS: Final = 60.0


class Stalled(StreamError):
    """A demo that makes no progress any more."""

    def __init__(self, moment: Moment) -> None:
        super().__init__(moment)
        self.moment = moment

    def __str__(self) -> str:
        sent, view = self.moment.sent, self.moment.view
        return (
            f"no progress for {_PATIENCE_SECONDS:.0f} s: of {sent} events sent the worker has handled "
            f"{view.handled}, and learnt from {view.learnt} of {view.handed_on}"
        )


class DemoPlan(msgspec.Struct, frozen=True):
    """What a demo replays: a log, the file of its items, how many events and how many a second at most."""

    log: Path
    items: Path | None = None
    events: int | None = None
    rate: float | None = None


class Demo:
    """Runs a plan on a scene; whatever it has started is gone after `close`.

    Raises
    ------
    UnusableLog
        If the log cannot be read.
    """

    def __init__(self, plan: DemoPlan, scene: Scene) -> None:
        settings = scene.settings
        self._began = time.monotonic()
        self._scene = scene
        self._client = Client(scene.page)
        self._worker = WorkerProcess(scene.variables, self._client, scene.folder / "worker.log")
        self._control = RateControl(plan.rate or math.inf, math.inf if plan.rate else _MOST_WAITING)
        log = open_log(plan.log, items=plan.items)
        next(read_log(log, Reading()))  # raises what is wrong with its files before anything is started
        self._feed = Feed(log, plan.events, settings, self._control.rate)
        self._answers = Topics(settings.topic_prefix, settings.partitions).name("recommendations")
        self._answered_before = 0
        self._first_answer = 0.0  # seconds since the demo began
        self._view = View()

    def start(self) -> None:
        """Start Kafka and the worker, side by side, and return when the worker is ready.

        Raises
        ------
        StreamError
            If one of them does not come up, or the user's broker does not answer.
        """
        self._worker.start()
        if self._scene.kafka is not None:
            self._scene.kafka.start()
        self._answered_before = record_count(self._scene.settings.broker, self._answers)
        self._worker.release()

    def replay(self, screen: Screen) -> DemoReport:
        """Send the log at the rate that the worker keeps up with; return once all of it is learnt.

        Raises
        ------
        WorkerEnded, Stalled
            If the worker ended, or does nothing for 60 s.
        ProducerError
            If the log or the broker ended the replay.
        """
        started = time.monotonic()
        self._feed.start()
        with screen:
            sent = self._follow(screen, started)
        timing = Timing(
            seconds=time.monotonic() - started,
            first_recommendation_seconds=self._first_answer,
            rate=self._control.rate,
            worst_lag_seconds=self._control.worst_lag,
        )
        answered = record_count(self._scene.settings.broker, self._answers) - self._answered_before
        return DemoReport.of(sent, self._view, answered, timing)

    def stay(self) -> None:
        """Stay up for the page, until Ctrl-C; raises `WorkerEnded`."""
        while True:
            self._worker.check()
            time.sleep(_LOOK_SECONDS)

    def close(self) -> None:
        """End all that runs, at once: nothing of it is to be kept."""
        with ExitStack() as ends:
            if self._scene.kafka is not None:
                ends.callback(self._scene.kafka.kill)
            if prefix := self._scene.own_prefix:
                ends.callback(delete_topics, self._scene.settings.broker, prefix)
            ends.callback(self._worker.kill)
            ends.callback(self._feed.stop)

    def _follow(self, screen: Screen, started: float) -> ReplayReport:
        progress, progressed = (0, 0, 0), started
        while True:
            moment, report = self._look(started), self._feed.report()
            screen.show(moment)
            view = moment.view
            if report and view.handled >= report.events and view.learnt >= view.handed_on:
                return report
            if progress != (moment.sent, view.handled, view.learnt):
                progress, progressed = (moment.sent, view.handled, view.learnt), time.monotonic()
            if time.monotonic() - progressed > _PATIENCE_SECONDS:
                raise Stalled(moment)
            time.sleep(_LOOK_SECONDS)

    def _look(self, started: float) -> Moment:
        """Ask the worker how it stands, and tune the rate to that."""
        try:
            self._view = view = self._client.status()
        except WorkerAway:
            self._worker.check()  # one that is alive is busy, or stuck: then no progress will tell
            view = self._view
        sent, now = self._feed.progress, time.monotonic()
        if view.usable and not self._first_answer:
            self._first_answer = now - self._began
        self._control.look(now, sent.sent, view.handled - max(0, view.handed_on - view.learnt))
        self._feed.tune(self._control.rate)
        return Moment(now - started, sent.fraction, sent.sent, self._control.rate, self._control.lag, view)
