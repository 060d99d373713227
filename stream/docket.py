"""What was decided of the model that learns, and who is on trial: part of the learner's progress."""

import logging

import msgspec
from msgspec.structs import replace

from models.events import Decision
from models.retraining import Retraining
from models.rules import Phase, Rules
from stream.challenge.plan import Plan
from stream.clock import now_ms
from stream.progress import Progress

__all__ = ["Docket"]

_log = logging.getLogger(__name__)


class Docket:
    """Keeps decisions until they are published; every one is in the progress as soon as it is taken.

    Parameters
    ----------
    rules
        When a challenger may be trained.
    progress
        What it goes on from, if there is something.

    Attributes
    ----------
    retraining
        Decides.
    plan
        Of the trial; None while there is none.
    """

    plan: Plan | None

    def __init__(self, rules: Rules, progress: Progress | None = None) -> None:
        self.retraining, self.plan = Retraining(rules), None
        self._untold: list[Decision] = []
        if progress is not None and progress.oversight:
            self.retraining.restore(progress.oversight["retraining"])
            self.plan = msgspec.convert(progress.oversight["plan"], Plan | None)

    def __bool__(self) -> bool:
        """Whether something is to be published."""
        return bool(self._untold)

    def take(self) -> list[Decision]:
        """Return what is to be published now."""
        decisions, self._untold = self._untold, []
        return decisions

    def enter(self, progress: Progress, decision: Decision) -> None:
        """Write down a decision; where nobody is on trial by it, there is no plan any more."""
        _log.info("%s: %s", decision.kind, decision.reason)
        told = decision.details | {"event_ts": decision.ts}
        self._untold.append(replace(decision, ts=now_ms(), details=told))
        if self.retraining.phase is Phase.NOBODY:
            self.plan = None
        self.save(progress)

    def save(self, progress: Progress) -> None:
        """Have the progress know where it stands."""
        plan = msgspec.to_builtins(self.plan)
        progress.oversight = {"retraining": self.retraining.state, "plan": plan}
