"""A storm: one kind of fault, again and again, over a system under load; then the judgement of an oracle."""

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Final

import msgspec

from stream.broker import Broker
from stream.chaos.load import write_storm_log
from stream.chaos.matrix import Case
from stream.chaos.oracle import Oracle
from stream.chaos.probe import send_probes, until_learnt
from stream.chaos.system import System
from stream.chaos.verdict import Verdict
from stream.errors import StreamError

__all__ = ["Outcome", "Storm"]

# Without an answer. A worker that has lost all folds the log again first: some 2,000 events a second on a
# busy core.
_HANDLE_SECONDS: Final = 300.0

_SETTINGS: Final = {
    "HEADRACE_DEVICE": "cpu",  # where the same steps lead to the same bits
    "HEADRACE_BATCH": "64",  # small ones: there are more moments between two commits
}


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a storm.

    Attributes
    ----------
    faults
        How often it was struck.
    recoveries
        Seconds until all was well again, of each fault.
    stops
        Seconds that each end of a worker in good order took, under load or at the end of the storm.
    casualties
        The last words of workers that ended though nobody ended them.
    failures
        What did not come about in time.
    """

    faults: int
    recoveries: list[float]
    stops: list[float]
    casualties: list[str]
    failures: list[str]
    verdict: Verdict

    @property
    def holds(self) -> bool:
        """Whether all is as it must be."""
        return self.verdict.holds and not self.casualties and not self.failures


class Storm:
    """Faults of one kind over a system of its own.

    Parameters
    ----------
    case
        The kind of fault.
    seed
        Draws what is struck, when and how.
    app
        The module of the workers' Faust app.

    Examples
    --------
    >>> with Broker(folder / "kafka") as broker:  # doctest: +SKIP
    ...     Storm(MATRIX["kill"], seed=1).run(broker, folder / "storm", faults=5).holds
    True
    """

    def __init__(self, case: Case, seed: int, app: str = "stream.app") -> None:
        self._case = case
        self._draw = Random(seed)  # noqa: S311 - no secret
        self._prefix = f"storm-{seed}-{self._draw.randrange(10**9)}-"
        self._app = app
        self._recoveries: list[float] = []
        self._failures: list[str] = []

    def run(
        self, broker: Broker, folder: Path, faults: int, on_fault: Callable[[], None] = lambda: None
    ) -> Outcome:
        """Let it come over a running broker; ``on_fault`` is called after each of the faults.

        What a worker or the broker fails to do is noted in the outcome.
        """
        variables = {**_SETTINGS, "HEADRACE_TOPIC_PREFIX": self._prefix, "HEADRACE_APP_ID": self._prefix}
        with System(broker, folder, variables, self._app) as system:
            log = folder / "log.csv"
            write_storm_log(log)
            system.open(self._case.workers, log, self._case.rate)
            for _ in range(faults):
                self._strike(system)
                on_fault()
            system.load.finish()
            self._come_to_rest(system)
            stores = [member.data / "profiles" for member in system.members]
            verdict = Oracle(system.settings, stores, system.former).verdict()
            casualties = system.casualties
        return Outcome(
            faults=faults,
            recoveries=self._recoveries,
            stops=[seconds for member in system.members for seconds in member.stops],
            casualties=casualties,
            failures=self._failures,
            verdict=verdict,
        )

    def _strike(self, system: System) -> None:
        try:
            self._recoveries.append(self._case.strike(system, self._draw))
        except StreamError as error:
            self._failures.append(str(error))
        system.raise_the_dead()

    def _come_to_rest(self, system: System) -> None:
        """Wait until everything is handled, then stop the workers."""
        try:
            send_probes(system, _HANDLE_SECONDS)
            system.until_idle(_HANDLE_SECONDS)
            until_learnt(system, _HANDLE_SECONDS)
        except StreamError as error:
            self._failures.append(str(error))
        system.stop()
