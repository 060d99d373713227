"""Watches over the model that learns: has challengers trained and judged, promoted and taken back."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial

import msgspec

from models.challenger import Standing
from models.drift import Alarm
from models.events import Decision
from models.retraining import Retraining
from models.rules import Phase, Rules
from stream.challenge.folder import TrialFolder
from stream.challenge.hands import Hands
from stream.challenge.kept import KeptModel
from stream.challenge.plan import Failed, HandedOver, Message, Order, Passing, Plan, Stood, WasTrained
from stream.challenge.process import ChallengerProcess
from stream.challenge.trials import Trials
from stream.clock import now_ms
from stream.lessons import Lesson
from stream.progress import Progress
from stream.settings import Settings

__all__ = ["Oversight"]

_log = logging.getLogger(__name__)


class Oversight:
    """The learner's decisions, and the trial of who is to serve in the champion's place.

    What is decided of lessons follows from them, and is part of the learner's progress: after a crash whoever
    learns has the challenger trained and judged once more, with the same outcome. It is compared with a copy
    of the champion that lies on this worker's disk; where another worker goes on, so does another trial.

    Parameters
    ----------
    settings
        How often to retrain, on how much, and where to keep models.
    """

    _hands: Hands
    _winning: Standing

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._folder = TrialFolder((settings.data_dir / "challenge").absolute())
        self._plan: Plan | None = None
        self._retraining, self._decisions = self._new(), list[Decision]()
        self._trials = Trials(self._order, self._hear, self._drop)

    @property
    def history(self) -> int:
        """Of how many of the last examples that taught it must know where they stand."""
        return self._settings.retrain_examples

    @property
    def has_news(self) -> bool:
        """Whether there are decisions that are to be published."""
        return bool(self._decisions)

    def take_decisions(self) -> list[Decision]:
        """Return those that are to be published now."""
        decisions, self._decisions = self._decisions, []
        return decisions

    async def begin(self, hands: Hands, progress: Progress) -> None:
        """Go on from where the progress has it."""
        self._hands, self._retraining = hands, self._new()
        self._plan, self._decisions = None, []
        if saved := progress.oversight:
            self._retraining.restore(saved["retraining"])
            self._plan = msgspec.convert(saved["plan"], Plan | None)
        if self._plan is not None:
            await self._resume(self._plan, progress)

    async def _resume(self, plan: Plan, progress: Progress) -> None:
        is_challenger = plan.role is Phase.CHALLENGER
        if plan.position > max(progress.position, progress.tested_to):
            self._decide(progress, self._retraining.dropped("the examples of its trial are gone"))
        elif is_challenger and self._settings.retrain == "no":
            self._decide(progress, self._retraining.dropped("retraining is off"))
        elif self._folder.has(plan.champion, None if is_challenger else plan.position):
            self._decide(progress, self._retraining.resumed())
            self._trials.begin()
        elif is_challenger:
            await self._start("another worker goes on with the learning", plan.recent, progress)
        else:
            self._decide(progress, self._retraining.dropped("another worker goes on, and has not got it"))

    async def end(self) -> None:
        """End the process; what was decided stays in the progress."""
        await self._trials.end()

    async def notice(self, lesson: Lesson, alarms: Sequence[Alarm], progress: Progress) -> None:
        """Decide what a lesson gives reason for, once it was learnt."""
        for alarm in alarms:
            self._decide(progress, self._retraining.alarmed(alarm))
        heard = alarms if self._settings.retrain == "auto" else ()
        asked = lesson.asked if lesson.start >= progress.tested_to else ""  # else it was heard before
        why = self._retraining.wanted(lesson.ts, progress.taught, heard, asked)
        if why and self._settings.retrain != "no":
            await self._start(why, max((alarm.window for alarm in heard), default=0), progress)
        elif asked:
            self._decide(progress, self._retraining.refused(asked, progress.taught))
        self._save(progress)

    async def _start(self, why: str, recent: int, progress: Progress) -> None:
        """Have a challenger trained on what the learner knows by now."""
        champion, first = await self._hands.keep(), progress.mark_before(self._settings.retrain_examples)
        try:
            await asyncio.to_thread(self._folder.keep, champion)
        except OSError as error:
            reason = f"the champion cannot be kept for it: {error}"
            if self._retraining.phase is Phase.NOBODY:
                self._decide(progress, self._retraining.refused(why, progress.taught, reason))
            else:
                self._decide(progress, self._retraining.dropped(reason))
            return
        at = progress.position
        self._plan = Plan(Phase.CHALLENGER, first, at, champion=at, recent=recent)
        self._decide(progress, self._retraining.began(why, (first.position, at), recent))
        self._trials.begin()

    def _new(self) -> Retraining:
        settings = self._settings
        return Retraining(Rules(per_day=settings.retrain_per_day, every_hours=settings.retrain_hours))

    def _decide(self, progress: Progress, decision: Decision) -> None:
        _log.info("%s: %s", decision.kind, decision.reason)
        told = decision.details | {"event_ts": decision.ts}
        self._decisions.append(msgspec.structs.replace(decision, ts=now_ms(), details=told))
        if self._retraining.phase is Phase.NOBODY:
            self._plan = None
        self._save(progress)

    def _save(self, progress: Progress) -> None:
        plan = msgspec.to_builtins(self._plan)
        progress.oversight = {"retraining": self._retraining.state, "plan": plan}

    def _order(self) -> Order | None:
        if self._plan is None:
            return None
        return Order(self._settings.of_challengers, self._plan, str(self._folder.path))

    async def _hear(self, process: ChallengerProcess, message: Message) -> None:
        match message:
            case Passing():
                lap = message.window, message.pass_number
                await self._decide_in_turn(lambda: self._retraining.progressed(*lap))
            case WasTrained():
                figures = message.window, message.hit_rates, message.prequential_hit_rate
                await self._decide_in_turn(lambda: self._retraining.trained(*figures))
            case Stood() if self._retraining.has_won(message.standing):
                self._winning = message.standing
                await process.hand_over()
            case Stood():
                await self._decide_in_turn(lambda: self._retraining.judged(message.standing))
            case HandedOver():
                successor = await asyncio.to_thread(self._folder.handed_over)
                await self._hands.replace(successor, partial(self._replaced, successor))
            case Failed():
                await self._drop(message.reason)

    async def _decide_in_turn(self, decide: Callable[[], Decision | None]) -> None:
        """Take a decision while no lesson is being learnt."""

        async def call(progress: Progress) -> None:
            if (decision := decide()) is not None:
                self._decide(progress, decision)

        await self._hands.in_turn(call)

    async def _drop(self, reason: str) -> None:
        await self._decide_in_turn(lambda: self._retraining.dropped(reason))

    async def _replaced(self, successor: KeptModel, champion: KeptModel, progress: Progress) -> None:
        """Decide that a model was replaced, and keep the one that it was."""
        decision = self._retraining.judged(self._winning)
        assert decision is not None  # noqa: S101 - it is better
        if self._retraining.phase is Phase.PREDECESSOR:
            at = champion.place.position
            self._plan = Plan(Phase.PREDECESSOR, champion.place, at, champion=successor.place.position)
        self._decide(progress, decision)
        try:
            if self._plan is not None:
                await asyncio.to_thread(self._folder.keep_both, successor, champion)
        except OSError as error:
            self._decide(progress, self._retraining.dropped(f"it cannot be kept: {error}"))
