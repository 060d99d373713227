"""Retraining as it happens beside a learner that waits for it: for evaluations and benchmarks."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from models.challenger import PROBATION, Challenger
from models.copies import copy_of
from models.drift import Alarm
from models.events import Decision
from models.examples import Examples
from models.guardrails import Unfit, require_finite
from models.recommender import Recommender
from models.retraining import Retraining
from models.rules import Phase, Rules
from models.training import Training

__all__ = ["Course"]

WINDOW: Final = 200_000  # as a worker's setting has it


class Course:
    """Trains, judges, promotes and rolls back as a worker does, but at once.

    Parameters
    ----------
    new
        Returns a model that knows nothing.
    rules
        When to train.
    window
        How many of the last examples to train on.

    Attributes
    ----------
    new
        What it was given.
    taken
        How many examples the champions have learnt so far.
    decisions
        All so far, each with ``taken`` as it was then.
    """

    def __init__(self, new: Callable[[], Recommender], rules: Rules, window: int = WINDOW) -> None:
        self.new = new
        self._window = window
        self._retraining = Retraining(rules)
        self._kept: deque[Examples] = deque()
        self._held = self.taken = 0
        self._on_trial: Challenger | None = None
        self.decisions: list[tuple[int, Decision]] = []

    def take(self, champion: Recommender, examples: Examples, alarms: Sequence[Alarm]) -> Recommender:
        """Take in what the champion has just learnt, and its alarms; return the champion from now on."""
        self._keep(examples)
        for alarm in alarms:
            self._note(self._retraining.alarmed(alarm))
        if self._on_trial is not None:
            return self._judge(champion, self._on_trial, examples)
        if cause := self._retraining.wanted(int(examples.ts.median()), self.taken, alarms):
            window = self.taken - self._held, self.taken
            self._note(self._retraining.began(cause.reason, window, cause.recent))
            trained = Training(self.new, list(self._kept), cause.recent).run()
            self._note(self._retraining.trained(*trained[1:]))
            self._on_trial = Challenger(trained.recommender, copy_of(champion, self.new))
        return champion

    def _judge(self, champion: Recommender, on_trial: Challenger, examples: Examples) -> Recommender:
        on_trial.follow(examples)
        standing, successor = on_trial.standing, on_trial.recommender
        try:
            if self._retraining.has_won(standing):
                require_finite(successor, examples.context)
            decision = self._retraining.judged(standing)
        except Unfit as error:
            decision = self._retraining.dropped(str(error), standing)
        if decision is None:
            return champion
        self._note(decision)
        self._on_trial = None
        if decision.kind == "promotion":
            return self.promote(champion, successor)
        if decision.kind == "rollback":
            successor.succeed(champion)
            return successor
        return champion

    def promote(self, champion: Recommender, successor: Recommender) -> Recommender:
        """Return a successor; the champion follows it for a while, in case that it was the better one."""
        successor.succeed(champion)
        self._retraining.phase = Phase.PREDECESSOR
        self._on_trial = Challenger(champion, copy_of(successor, self.new), PROBATION)
        return successor

    def _note(self, decision: Decision) -> None:
        self.decisions.append((self.taken, decision))

    def _keep(self, examples: Examples) -> None:
        self._kept.append(examples)
        self._held += len(examples.item)
        self.taken += len(examples.item)
        while self._held - len(self._kept[0].item) >= self._window:
            self._held -= len(self._kept.popleft().item)
