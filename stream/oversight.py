"""Watches over the model that learns: has challengers trained and judged, promoted and taken back."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

from models.challenger import Standing
from models.drift import Alarm
from models.events import Decision
from models.rules import Phase, Rules
from models.schedule import Cause
from stream.challenge.folder import TrialFolder
from stream.challenge.hands import Hands
from stream.challenge.kept import KeptModel
from stream.challenge.plan import Failed, HandedOver, Message, Order, Passing, Plan, Stood, WasTrained
from stream.challenge.process import ChallengerProcess
from stream.challenge.trials import Trials
from stream.clock import now_ms
from stream.docket import Docket
from stream.lessons import Lesson
from stream.progress import Progress
from stream.settings import Settings

__all__ = ["Oversight"]


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
    _handed_over: Plan | None = None  # the plan of who is put in place
    _failed: tuple[Plan | None, str] | None = None  # the plan that came to nothing, and why

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._folder = TrialFolder((settings.data_dir / "challenge").absolute())
        self._rules = Rules(per_day=settings.retrain_per_day, every_hours=settings.retrain_hours)
        self._docket = Docket(self._rules)
        self._trials = Trials(self._order, self._hear, self._drop)
        self._moved = asyncio.Event()  # the learner has learnt something

    @property
    def history(self) -> int:
        """Of how many of the last examples that taught it must know where they stand."""
        return self._settings.retrain_examples

    @property
    def has_news(self) -> bool:
        """Whether there are decisions that are to be published."""
        return bool(self._docket)

    def take_decisions(self) -> list[Decision]:
        """Return those that are to be published now."""
        return self._docket.take()

    async def begin(self, hands: Hands, progress: Progress) -> None:
        """Go on from where the progress has it."""
        self._hands, self._docket = hands, Docket(self._rules, progress)
        failed, self._failed = self._failed, None
        if self._docket.plan is None:
            return
        if failed is not None and failed[0] == self._docket.plan:
            self._docket.enter(progress, self._docket.retraining.dropped(failed[1]))
        else:
            await self._resume(self._docket.plan, progress)

    def note_failure(self, error: Exception) -> None:
        """Take note that who was handed over could not be put in place; the next beginning is without."""
        self._failed = self._handed_over, f"it could not be put in place: {error!r}"

    async def _resume(self, plan: Plan, progress: Progress) -> None:
        is_challenger = plan.role is Phase.CHALLENGER
        if plan.position > max(progress.position, progress.tested_to):
            self._docket.enter(
                progress, self._docket.retraining.dropped("the examples of its trial are gone")
            )
        elif is_challenger and self._settings.retrain == "no":
            self._docket.enter(progress, self._docket.retraining.dropped("retraining is off"))
        elif self._folder.has(plan.champion, None if is_challenger else plan.position):
            self._docket.enter(progress, self._docket.retraining.resumed())
            self._trials.begin()
        else:
            reason = "another worker goes on with the learning, and has not got the models"
            self._docket.enter(progress, self._docket.retraining.dropped(reason))
            if self._docket.retraining.schedule.has_budget and self._settings.retrain != "no":
                await self._start(Cause("the trial before has come to nothing", plan.recent), progress)

    async def end(self) -> None:
        """End the process; what was decided stays in the progress."""
        await self._trials.end()

    async def notice(self, lesson: Lesson, alarms: Sequence[Alarm], progress: Progress) -> None:
        """Decide what a lesson gives reason for, once it was learnt."""
        ts = min(lesson.ts, now_ms())  # a clock that is ahead must not make all that comes look late
        for alarm in alarms:
            self._docket.enter(progress, self._docket.retraining.alarmed(alarm._replace(ts=ts)))
        heard = alarms if self._settings.retrain == "auto" else ()
        asked = lesson.asked if lesson.start >= progress.tested_to else ""  # else it was heard before
        cause = self._docket.retraining.wanted(ts, progress.taught, heard, asked)
        if cause and self._settings.retrain != "no":
            await self._start(cause, progress)
        elif asked:
            self._docket.enter(progress, self._docket.retraining.refused(asked, progress.taught))
        self._docket.save(progress)
        self._moved.set()

    async def _start(self, cause: Cause, progress: Progress) -> None:
        """Have a challenger trained on what the learner knows by now."""
        champion, first = await self._hands.keep(), progress.mark_before(self._settings.retrain_examples)
        try:
            await asyncio.to_thread(self._folder.keep, champion)
        except OSError as error:
            reason = f"the champion cannot be kept for it: {error}"
            self._docket.enter(progress, self._docket.retraining.failed(cause.reason, reason))
            return
        at, window = progress.position, (first.position, progress.position)
        self._docket.plan = Plan(Phase.CHALLENGER, first, at, champion=at, recent=cause.recent)
        self._docket.enter(progress, self._docket.retraining.began(cause.reason, window, cause.recent))
        self._trials.begin()

    def _order(self) -> Order | None:
        if self._docket.plan is None:
            return None
        return Order(self._settings.of_challengers, self._docket.plan, str(self._folder.path))

    async def _hear(self, process: ChallengerProcess, message: Message) -> None:
        match message:
            case Passing():
                lap = message.window, message.pass_number
                await self._decide_in_turn(lambda: self._docket.retraining.progressed(*lap))
            case WasTrained():
                figures = message.window, message.hit_rates, message.prequential_hit_rate
                await self._decide_in_turn(lambda: self._docket.retraining.trained(*figures))
            case Stood() if self._docket.retraining.has_won(message.standing):
                self._winning = message.standing
                await process.hand_over()
            case Stood():
                await self._decide_in_turn(lambda: self._docket.retraining.judged(message.standing))
            case HandedOver():
                self._handed_over = self._docket.plan
                successor = await asyncio.to_thread(self._folder.handed_over)
                await self._until_learnt(successor.place.position)
                await self._hands.replace(successor, partial(self._replaced, successor))
            case Failed():
                await self._drop(message.reason)

    async def _until_learnt(self, position: int) -> None:
        """Wait until the champion stands where its successor does, or beyond: it may be behind the log."""

        async def place(progress: Progress) -> int:
            return progress.position

        self._moved.clear()
        while await self._hands.in_turn(place) < position:
            await self._moved.wait()
            self._moved.clear()

    async def _decide_in_turn(self, decide: Callable[[], Decision | None]) -> None:
        """Take a decision while no lesson is being learnt."""

        async def call(progress: Progress) -> None:
            if (decision := decide()) is not None:
                self._docket.enter(progress, decision)

        await self._hands.in_turn(call)

    async def _drop(self, reason: str) -> None:
        await self._decide_in_turn(lambda: self._docket.retraining.dropped(reason))

    async def _replaced(self, successor: KeptModel, champion: KeptModel, progress: Progress) -> None:
        """Decide that a model was replaced, and keep the one that it was."""
        decision = self._docket.retraining.judged(self._winning)
        assert decision is not None  # noqa: S101 - it is better
        if self._docket.retraining.phase is Phase.PREDECESSOR:
            at = champion.place.position
            self._docket.plan = Plan(Phase.PREDECESSOR, champion.place, at, champion=successor.place.position)
        self._docket.enter(progress, decision)
        try:
            if self._docket.plan is not None:
                await asyncio.to_thread(self._folder.keep_both, successor, champion)
        except OSError as error:
            self._docket.enter(progress, self._docket.retraining.dropped(f"it cannot be kept: {error}"))
