"""Laws of the oversight: what is decided of lessons is part of the progress, and goes on with it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Self

import pytest
import torch
from lessons import examples

from models.challenger import Standing
from models.drift import Alarm
from models.guardrails import Unfit
from models.recommender import Recommender
from models.rules import Phase
from models.stock import Stock
from stream.challenge.kept import HANDED_OVER, PREDECESSOR, KeptModel
from stream.challenge.plan import HandedOver, Message, Stood
from stream.lessons import Lesson
from stream.oversight import Oversight
from stream.progress import Mark, Progress
from stream.settings import Settings

CPU = torch.device("cpu")
ALARM = Alarm("missed_views", 1_700_000_000_000, 1.0, 2_560, 0.3, 0.4)
BETTER = Standing(500, 0.6, 0.5, 0.01, 1.0)
WORSE = Standing(500, 0.4, 0.5, -1.0, 0.0)


class Quiet(Oversight):
    """One whose trials nobody holds; it counts those that it would begin."""

    trials = 0

    def _begin_trials(self) -> None:
        self.trials += 1


class Hands:
    """A learner that is between two lessons."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress

    async def in_turn(self, call: Callable[[Progress], Any]) -> Any:
        return call(self.progress)

    async def replace(self, successor: KeptModel, decide: Any) -> None:
        raise NotImplementedError


def lesson(asked: str = "", count: int = 8) -> Lesson:
    return Lesson(examples(count, 1, CPU), count, 40, 41, {"clicks-0": 9}, [], 0, asked)


def far_progress() -> Progress:
    """Return the progress of a learner that has learnt enough, whose window begins at offset 7."""
    progress = Progress(100, {}, 1_000)
    progress.taught, progress.position = 20_000, 41
    progress.marks = [Mark(3, 15_000, {}), Mark(7, 18_900, {"clicks-0": 2}), Mark(30, 19_500, {})]
    return progress


def overseen(progress: Progress, **settings: Any) -> Quiet:
    oversight = Quiet(Settings(retrain_examples=1_000, **settings))
    oversight.begin(Hands(progress), progress)
    return oversight


def kinds(oversight: Oversight) -> list[str]:
    return [decision.kind for decision in oversight.take_decisions()]


def test_an_alarm_has_a_challenger_trained_on_the_window_and_whoever_goes_on_knows_it() -> None:
    progress = far_progress()
    oversight = overseen(progress)
    oversight.notice(lesson(), [ALARM], progress)
    alarm, started = oversight.take_decisions()
    assert (alarm.kind, started.kind) == ("drift-alarm", "retrain-started")
    figures = {name: started.details[name] for name in ("from", "to", "recent", "challenger")}
    assert figures == {"from": 7, "to": 41, "recent": 2_560, "challenger": 1}
    assert oversight.trials == 1
    later = Progress(100, progress.to_dict(), 1_000)
    other = overseen(later)
    assert kinds(other) == ["retrain-resumed"]
    assert (other.trials, other._plan) == (1, oversight._plan)


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("auto", ["drift-alarm", "retrain-started", "retrain-refused"]),
        ("asked", ["drift-alarm", "retrain-started"]),
        ("no", ["drift-alarm", "retrain-refused"]),
    ],
)
@pytest.mark.parametrize("count", [0, 8])
def test_who_may_have_one_trained(setting: str, told: list[str], count: int) -> None:
    """An alarm first, then an operator, whose request may come alone."""
    progress = far_progress()
    oversight = overseen(progress, retrain=setting)
    oversight.notice(lesson(), [ALARM], progress)
    oversight.notice(lesson("a new season", count), [], progress)
    assert kinds(oversight) == told


def test_a_schedule_goes_on_though_nothing_was_decided_before_the_learner_stopped() -> None:
    progress, hour = far_progress(), 3_600_000
    first, later = lesson(), lesson()
    later = later._replace(examples=later.examples._replace(ts=later.examples.ts + 3 * hour))
    oversight = overseen(progress, retrain_hours=2.0)
    oversight.notice(first, [], progress)
    assert kinds(oversight) == []
    progress = Progress(100, progress.to_dict(), 1_000)
    oversight = overseen(progress, retrain_hours=2.0)
    oversight.notice(later, [], progress)
    assert kinds(oversight) == ["retrain-started"]


def test_a_challenger_that_is_worse_is_let_go() -> None:
    progress = far_progress()
    oversight = overseen(progress)
    oversight.notice(lesson(), [ALARM], progress)
    asyncio.run(oversight._decide_in_turn(lambda: oversight._retraining.judged(WORSE)))
    assert kinds(oversight)[-1] == "retrain-dropped"
    assert progress.oversight["plan"] is None
    other = overseen(Progress(100, progress.to_dict(), 1_000))
    assert (other.trials, kinds(other)) == (0, [])


class HandingOver:
    """The process of a challenger that has won, and has handed itself over."""

    def __init__(self, _: Any) -> None:
        pass

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def messages(self) -> AsyncIterator[Message]:
        yield Stood(BETTER)
        yield HandedOver()

    async def hand_over(self) -> None:
        pass


def test_a_challenger_that_is_unfit_to_serve_is_dropped_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Refusing(Hands):
        async def replace(self, *_: object) -> None:
            raise Unfit("its lists take 9.0 ms, those of the champion 1.0 ms")

    monkeypatch.setattr("stream.oversight.ChallengerProcess", HandingOver)
    progress = far_progress()
    oversight = overseen(progress, data_dir=tmp_path)
    oversight._hands = Refusing(progress)
    oversight.notice(lesson(), [ALARM], progress)
    recommender = Recommender(Stock(100, CPU), seed=0)
    KeptModel.of(recommender, Mark(0, 0, {})).save(tmp_path / "challenge" / HANDED_OVER)
    asyncio.run(oversight._hold_trials())
    decision = oversight.take_decisions()[-1]
    assert decision.kind == "retrain-dropped"
    assert decision.reason == "challenger 1: its lists take 9.0 ms, those of the champion 1.0 ms"
    assert progress.oversight["plan"] is None


@pytest.mark.parametrize("can_be_kept", [True, False])
def test_the_champion_before_is_on_trial_after_a_promotion_if_it_can_be_kept(
    tmp_path: Any, *, can_be_kept: bool
) -> None:
    class Kept:
        place = Mark(39, 19_990, {"clicks-0": 8})

        def save(self, folder: Any) -> None:
            assert folder == tmp_path / "challenge" / PREDECESSOR
            if not can_be_kept:
                raise OSError("no space left")

    progress = far_progress()
    oversight = overseen(progress, data_dir=tmp_path)
    oversight.notice(lesson(), [ALARM], progress)
    asyncio.run(oversight._replaced(BETTER, Kept, progress))  # type: ignore[arg-type]
    told = kinds(oversight)
    plan = progress.oversight["plan"]
    if can_be_kept:
        assert told[-1] == "promotion"
        assert (plan["role"], plan["position"]) == (Phase.PREDECESSOR, 39)
    else:
        assert told[-2:] == ["promotion", "retrain-dropped"]
        assert plan is None
