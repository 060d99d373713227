"""Retraining as it happens beside a learner that waits for it: for evaluations and benchmarks."""

from collections import deque
from collections.abc import Callable
from typing import Final

from models.challenger import Challenger
from models.events import Decision
from models.examples import Examples
from models.recommender import Recommender
from models.retraining import Phase, Retraining, Rules
from models.training import Training

__all__ = ["Course"]

WINDOW: Final = 200_000


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
    decisions
        All so far, each with how many examples the champions had learnt by then.
    """

    def __init__(self, new: Callable[[], Recommender], rules: Rules, window: int = WINDOW) -> None:
        self._new = new
        self._window = window
        self._retraining = Retraining(rules)
        self._kept: deque[Examples] = deque()
        self._held = self._taken = 0
        self._on_trial: Challenger | None = None
        self.decisions: list[tuple[int, Decision]] = []

    def take(self, champion: Recommender, examples: Examples) -> Recommender:
        """Take in what the champion has just learnt; return the champion from now on."""
        self._keep(examples)
        alarms = champion.monitor.take_alarms()
        for alarm in alarms:
            self._note(self._retraining.alarmed(alarm))
        if self._on_trial is not None:
            return self._judge(champion, self._on_trial, examples)
        if why := self._retraining.wanted(int(examples.ts.median()), self._taken, alarms):
            recent = max((alarm.window for alarm in alarms), default=0)
            self._note(self._retraining.began(why, (self._taken - self._held, self._taken), recent))
            trained = Training(self._new, list(self._kept), recent).run()
            self._note(self._retraining.trained(*trained[1:]))
            self._on_trial = Challenger(trained.recommender)
        return champion

    def _judge(self, champion: Recommender, on_trial: Challenger, examples: Examples) -> Recommender:
        on_trial.follow(examples)
        decision = self._retraining.judged(on_trial.standing)
        if decision is None:
            return champion
        self._note(decision)
        self._on_trial = None
        if decision.kind not in {"promotion", "rollback"}:
            return champion
        successor = on_trial.recommender
        successor.succeed(champion)
        if self._retraining.phase is Phase.PREDECESSOR:
            self._on_trial = Challenger(champion)
        return successor

    def _note(self, decision: Decision) -> None:
        self.decisions.append((self._taken, decision))

    def _keep(self, examples: Examples) -> None:
        self._kept.append(examples)
        self._held += len(examples.item)
        self._taken += len(examples.item)
        while self._held - len(self._kept[0].item) >= self._window:
            self._held -= len(self._kept.popleft().item)
