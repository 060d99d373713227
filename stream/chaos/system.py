"""What a storm comes over: a Kafka, some workers and what goes in."""

import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Final, Self

from stream.broker import Broker
from stream.chaos.load import Load
from stream.chaos.member import Member
from stream.chaos.records import Record
from stream.chaos.wait import StormFailed, until
from stream.settings import Settings
from stream.topics import Topics

__all__ = ["System"]

_MOMENT_SECONDS: Final = (0.2, 2.5)


class System:
    """A running Kafka, workers on it and a load; a context manager that ends workers and load, at once.

    Parameters
    ----------
    broker
        A running Kafka that may be killed; whoever started it stops it.
    folder
        Holds the workers' folders and the log of the load; made where it is missing.
    variables
        Settings of the workers, as an environment; ``HEADRACE_TOPIC_PREFIX`` keeps systems apart.
    app
        The module of the workers' Faust app.

    Attributes
    ----------
    former
        What was in the topic of clicks each time before it was deleted.
    """

    _new_load: Callable[[], Load]

    def __init__(self, broker: Broker, folder: Path, variables: Mapping[str, str], app: str) -> None:
        self.broker = broker
        self.folder = folder
        # The oracle knows one model: whether another is better is no matter of storms.
        own = {"HEADRACE_BROKER": f"kafka://{broker.address}", "HEADRACE_RETRAIN": "no"}
        self._variables = own | dict(variables)
        self._app = app
        self.settings = Settings.of({**self._variables, "HEADRACE_DATA_DIR": str(folder)})
        self.topics = Topics(self.settings.topic_prefix, self.settings.partitions)
        self.members: list[Member] = []
        self.casualties: list[str] = []
        self._load: Load | None = None
        self.former: list[list[Record]] = []

    def open(self, workers: int, log: Path, rate: float) -> None:
        """Start the workers and, once they are ready, the load of ``rate`` events a second."""
        for _ in range(workers):
            self.join()
        for member in self.members:
            member.until_ready()
        self._new_load = partial(Load, log, self.settings, rate)
        self.begin_load()

    def let_events_flow(self, draw: Random) -> None:
        """Wait for a moment, some seconds at most."""
        time.sleep(draw.uniform(*_MOMENT_SECONDS))

    def begin_load(self) -> None:
        """Let events go in; after `open` only where the load was finished since."""
        self._load = self._new_load()
        self._load.start()

    @property
    def load(self) -> Load:
        """What goes in; there from `open` on."""
        if self._load is None:
            raise RuntimeError("a system is opened before anything goes in")
        return self._load

    def join(self, **variables: str) -> Member:
        """Start one more worker, on a folder of its own and with such variables, and return at once."""
        folder = self.folder / f"worker-{len(self.members)}"
        self.members.append(Member({**self._variables, **variables}, folder, self._app))
        self.members[-1].start()
        return self.members[-1]

    @property
    def running(self) -> list[Member]:
        """The workers that were started and not ended."""
        return [member for member in self.members if member.is_wanted]

    def one_of(self, draw: Random) -> Member:
        """Return a worker that runs."""
        return draw.choice(self.running)

    def until_flowing(self, seconds: float) -> float:
        """Wait until some worker has handled more than by now; return the seconds that it took."""
        before = {member: member.status().handled for member in self.running}

        def flows() -> bool:
            self.check()
            return any(member.status().handled > handled for member, handled in before.items())

        return until(flows, "events are handled again", seconds)

    def check(self) -> None:
        """Raise `StormFailed` if a worker has ended though nobody ended it: then nothing comes of waiting."""
        if any(member.is_casualty for member in self.members):
            raise StormFailed("a worker has ended by itself")

    def raise_the_dead(self) -> None:
        """Note the workers that ended though nobody ended them, and start them again."""
        for member in self.members:
            if member.is_casualty:
                self.casualties.append(member.last_words())
                member.start()

    def until_idle(self, seconds: float) -> None:
        """Wait until every worker that runs is ready and has nothing left to do."""

        def idle() -> bool:
            self.check()
            views = [member.status() for member in self.running]
            return all(view.ready and view.lag == 0 for view in views)

        until(idle, "every worker is ready and has nothing left to do", seconds)

    def stop(self) -> None:
        """Stop all workers in good order, one by one."""
        self.casualties += [member.last_words() for member in self.members if member.is_casualty]
        for member in self.running:
            if not member.is_casualty:
                member.stop()

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for member in self.members:
            member.close()
        if self._load is not None:
            self._load.finish()
