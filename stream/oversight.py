"""Watches over the model that learns: has challengers trained and judged, promoted and taken back."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Final

import msgspec

from models.challenger import Standing
from models.drift import Alarm
from models.errors import ModelError
from models.events import Decision
from models.retraining import Retraining
from models.rules import Phase, Rules
from stream.challenge.hands import Hands, NotLearning
from stream.challenge.kept import HANDED_OVER, PREDECESSOR, KeptModel
from stream.challenge.plan import Failed, HandedOver, Message, Order, Passing, Plan, Stood, WasTrained
from stream.challenge.process import ChallengerProcess
from stream.clock import now_ms
from stream.lessons import Lesson
from stream.progress import Progress
from stream.settings import Settings

__all__ = ["Oversight"]

_log = logging.getLogger(__name__)
_AGAIN_SECONDS: Final = 5.0


class Oversight:
    """The learner's decisions, and the process of who is on trial.

    What is decided of lessons follows from them, and is part of the learner's progress: after a crash whoever
    learns has the challenger trained and judged once more, with the same outcome.

    Parameters
    ----------
    settings
        How often to retrain, on how much, and where to keep models.
    """

    _hands: Hands
    _winning: Standing

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._folder = (settings.data_dir / "challenge").absolute()
        self._plan: Plan | None = None
        self._retraining, self._decisions = self._new(), list[Decision]()
        self._trials: asyncio.Task[None] | None = None

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

    def begin(self, hands: Hands, progress: Progress) -> None:
        """Go on from where the progress has it."""
        self._hands, self._retraining = hands, self._new()
        self._plan, self._decisions = None, []
        if saved := progress.oversight:
            self._retraining.restore(saved["retraining"])
            self._plan = msgspec.convert(saved["plan"], Plan | None)
        if self._plan is not None:
            self._decide(progress, self._retraining.resumed())
            self._begin_trials()

    async def end(self) -> None:
        """End the process; what was decided stays in the progress."""
        watching, self._trials = self._trials, None
        if watching is not None:
            watching.cancel()
            await asyncio.wait([watching])

    def notice(self, lesson: Lesson, alarms: Sequence[Alarm], progress: Progress) -> None:
        """Decide what a lesson gives reason for, once it was learnt."""
        for alarm in alarms:
            self._decide(progress, self._retraining.alarmed(alarm))
        heard, ts = alarms if self._settings.retrain == "auto" else (), lesson.ts
        why = self._retraining.wanted(ts, progress.taught, heard, lesson.asked)
        if why and self._settings.retrain != "no":
            first = progress.mark_before(self._settings.retrain_examples)
            recent = max((alarm.window for alarm in heard), default=0)
            self._plan = Plan(Phase.CHALLENGER, first, progress.position, recent)
            window = first.position, progress.position
            self._decide(progress, self._retraining.began(why, window, recent))
            self._begin_trials()
        elif lesson.asked:
            self._decide(progress, self._retraining.refused(lesson.asked, progress.taught))
        self._save(progress)

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

    def _begin_trials(self) -> None:
        if self._trials is None or self._trials.done():
            self._trials = asyncio.create_task(self._hold_trials())

    async def _hold_trials(self) -> None:
        """Hold trials, one after the other, until there is nobody to be judged."""
        while self._plan is not None:
            try:
                if not await self._hold(self._plan):
                    await asyncio.sleep(_AGAIN_SECONDS)
            except NotLearning:
                return  # another worker goes on with it
            except Exception as error:  # noqa: BLE001 - whatever it is, the champion goes on
                _log.warning("The trial beside the champion has failed", exc_info=True)
                with suppress(NotLearning):
                    await self._drop(str(error) if isinstance(error, ModelError) else repr(error))

    async def _hold(self, plan: Plan) -> bool:
        """Hold a trial; return whether it has come to something."""
        order = Order(self._settings.of_challengers, plan, str(self._folder))
        async with ChallengerProcess(order) as process:
            async for message in process.messages():
                if isinstance(message, Failed) and message.again:
                    _log.warning("The trial beside the champion begins again: %s", message.reason)
                    return False
                await self._hear(process, message)
                if self._plan is not plan:
                    return True
            await self._drop(f"its process has ended with status {await process.status()}")
        return True

    async def _hear(self, process: ChallengerProcess, message: Message) -> None:
        match message:
            case Passing():
                await self._decide_in_turn(
                    lambda: self._retraining.progressed(message.window, message.pass_number)
                )
            case WasTrained():
                figures = message.window, message.hit_rates, message.prequential_hit_rate
                await self._decide_in_turn(lambda: self._retraining.trained(*figures))
            case Stood() if self._retraining.has_won(message.standing):
                self._winning = message.standing
                await process.hand_over()
            case Stood():
                await self._decide_in_turn(lambda: self._retraining.judged(message.standing))
            case HandedOver():
                successor = await asyncio.to_thread(KeptModel.load, self._folder / HANDED_OVER)
                await self._hands.replace(successor, partial(self._replaced, self._winning))
            case Failed():
                await self._drop(message.reason)

    async def _decide_in_turn(self, decide: Callable[[], Decision | None]) -> None:
        """Take a decision while no lesson is being learnt."""

        def call(progress: Progress) -> None:
            if (decision := decide()) is not None:
                self._decide(progress, decision)

        await self._hands.in_turn(call)

    async def _drop(self, reason: str) -> None:
        await self._decide_in_turn(lambda: self._retraining.dropped(reason))

    async def _replaced(
        self, standing: Standing, keep_champion: Callable[[], KeptModel], progress: Progress
    ) -> None:
        """Decide that the model was replaced, and keep the one that it was."""
        decision = self._retraining.judged(standing)
        assert decision is not None  # noqa: S101 - it is better
        if self._retraining.phase is not Phase.PREDECESSOR:
            self._decide(progress, decision)
            return
        kept = await asyncio.to_thread(keep_champion)
        self._plan = Plan(Phase.PREDECESSOR, kept.place, kept.place.position)
        self._decide(progress, decision)
        try:
            await asyncio.to_thread(kept.save, self._folder / PREDECESSOR)
        except OSError as error:
            self._decide(progress, self._retraining.dropped(f"it cannot be kept: {error}"))
