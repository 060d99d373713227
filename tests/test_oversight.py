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
from models.names import Names
from models.recommender import Recommender
from models.rules import Phase
from models.stock import Stock
from stream.challenge.folder import TrialFolder
from stream.challenge.kept import KeptModel
from stream.challenge.plan import Failed, HandedOver, Message, Passing, Stood, WasTrained
from stream.lessons import Lesson
from stream.oversight import Oversight
from stream.progress import Mark, Progress
from stream.settings import Settings

CPU = torch.device("cpu")
ALARM = Alarm("missed_views", 1_700_000_000_000, 1.0, 2_560, 0.3, 0.4)
BETTER = Standing(500, 0.6, 0.5, 0.01, 1.0)
WORSE = Standing(500, 0.4, 0.5, -1.0, 0.0)
OPEN = Standing(500, 0.5, 0.5, -1.0, 1.0)


class Quiet(Oversight):
    """One whose trials nobody holds; it counts those that it would begin."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.trials = 0
        self._trials.begin = self._count  # type: ignore[method-assign]

    def _count(self) -> None:
        self.trials += 1


class Hands:
    """A learner that is between two lessons."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress

    async def in_turn(self, call: Callable[[Progress], Any]) -> Any:
        return await call(self.progress)

    async def keep(self) -> KeptModel:
        at = Mark(self.progress.position, self.progress.taught, {})
        return KeptModel.of(Recommender(Stock(100, CPU), seed=0), at, Names())

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


Begin = Callable[..., Quiet]


@pytest.fixture
def overseen(tmp_path: Path) -> Callable[..., Quiet]:
    """An oversight that goes on from some progress; all of them are of one worker, unless told otherwise."""

    def begin(progress: Progress, **settings: Any) -> Quiet:
        oversight = Quiet(Settings(**{"retrain_examples": 1_000, "data_dir": tmp_path, **settings}))
        asyncio.run(oversight.begin(Hands(progress), progress))
        return oversight

    return begin


def notice(oversight: Oversight, lesson: Lesson, alarms: list[Alarm], progress: Progress) -> None:
    asyncio.run(oversight.notice(lesson, alarms, progress))


def kinds(oversight: Oversight) -> list[str]:
    return [decision.kind for decision in oversight.take_decisions()]


def test_an_alarm_has_a_challenger_trained_on_the_window_and_whoever_goes_on_knows_it(
    overseen: Begin,
) -> None:
    progress = far_progress()
    oversight = overseen(progress)
    notice(oversight, lesson(), [ALARM], progress)
    alarm, started = oversight.take_decisions()
    assert (alarm.kind, started.kind) == ("drift-alarm", "retrain-started")
    figures = {name: started.details[name] for name in ("from", "to", "recent", "challenger")}
    assert figures == {"from": 7, "to": 41, "recent": 2_560, "challenger": 1}
    assert oversight.trials == 1
    later = Progress(100, progress.to_dict(), 1_000)
    other = overseen(later)
    assert kinds(other) == ["retrain-resumed"]
    assert (other.trials, other._docket.plan) == (1, oversight._docket.plan)


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("auto", ["drift-alarm", "retrain-started", "retrain-refused"]),
        ("asked", ["drift-alarm", "retrain-started"]),
        ("no", ["drift-alarm", "retrain-refused"]),
    ],
)
@pytest.mark.parametrize("count", [0, 8])
def test_who_may_have_one_trained(overseen: Begin, setting: str, told: list[str], count: int) -> None:
    """An alarm first, then an operator, whose request may come alone."""
    progress = far_progress()
    oversight = overseen(progress, retrain=setting)
    notice(oversight, lesson(), [ALARM], progress)
    notice(oversight, lesson("a new season", count), [], progress)
    assert kinds(oversight) == told


def test_a_schedule_goes_on_though_nothing_was_decided_before_the_learner_stopped(overseen: Begin) -> None:
    progress, hour = far_progress(), 3_600_000
    first, later = lesson(), lesson()
    later = later._replace(examples=later.examples._replace(ts=later.examples.ts + 3 * hour))
    oversight = overseen(progress, retrain_hours=2.0)
    notice(oversight, first, [], progress)
    assert kinds(oversight) == []
    progress = Progress(100, progress.to_dict(), 1_000)
    oversight = overseen(progress, retrain_hours=2.0)
    notice(oversight, later, [], progress)
    assert kinds(oversight) == ["retrain-started"]


def test_a_challenger_that_is_worse_is_let_go(overseen: Begin) -> None:
    progress = far_progress()
    oversight = overseen(progress)
    notice(oversight, lesson(), [ALARM], progress)
    asyncio.run(oversight._decide_in_turn(lambda: oversight._docket.retraining.judged(WORSE)))
    assert kinds(oversight)[-1] == "retrain-dropped"
    assert progress.oversight["plan"] is None
    other = overseen(Progress(100, progress.to_dict(), 1_000))
    assert (other.trials, kinds(other)) == (0, [])


class Saying:
    """The process of a challenger that says something, and ends."""

    says: tuple[Message, ...] = ()
    ends_with = 1

    def __init__(self, _: Any) -> None:
        pass

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def messages(self) -> AsyncIterator[Message]:
        for message in self.says:
            yield message

    async def status(self) -> int:
        return self.ends_with

    async def hand_over(self) -> None:
        pass


class HandingOver(Saying):
    """The process of a challenger that has won, and has handed itself over."""

    says = (Stood(BETTER), HandedOver())


class Trained(Saying):
    """The process of a challenger that ends after its training."""

    says = (Passing(80, 1), Passing(80, 2), WasTrained(80, [0.2, 0.1], 0.3), Stood(OPEN))


def test_what_a_challenger_says_is_told_and_one_that_ends_is_dropped(
    overseen: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stream.challenge.trials.ChallengerProcess", Trained)
    progress = far_progress()
    oversight = overseen(progress)
    notice(oversight, lesson(), [ALARM], progress)
    asyncio.run(oversight._trials._hold_all())
    told = [decision.reason for decision in oversight.take_decisions()[2:]]
    assert told == [
        "challenger 1 has learnt 80 examples, pass 1",
        "challenger 1 has learnt 80 examples, pass 2",
        (
            "challenger 1 has learnt the last 80 examples; hit rate on the newest by pass 0.2000, 0.1000, "
            "and 0.3000 while it learnt them"
        ),
        "challenger 1: its process has ended with status 1",
    ]


def test_a_trial_whose_process_is_killed_begins_again_and_is_dropped_at_the_fourth_time(
    overseen: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[Any] = []

    class Killed(Saying):
        ends_with = -9

        def __init__(self, order: Any) -> None:
            super().__init__(order)
            tries.append(order)

    monkeypatch.setattr("stream.challenge.trials.ChallengerProcess", Killed)
    monkeypatch.setattr("stream.challenge.trials._AGAIN_SECONDS", 0.0)
    progress = far_progress()
    oversight = overseen(progress)
    notice(oversight, lesson(), [ALARM], progress)
    asyncio.run(oversight._trials._hold_all())
    assert tries == 4 * tries[:1]
    (dropped,) = oversight.take_decisions()[2:]
    assert dropped.reason == "challenger 1: its process has ended with status -9"


def test_who_could_not_be_put_in_place_is_not_tried_again(overseen: Begin) -> None:
    progress = far_progress()
    oversight = overseen(progress)
    notice(oversight, lesson(), [ALARM], progress)
    oversight._handed_over = oversight._docket.plan
    oversight.note_failure(MemoryError("two models"))
    later = after(progress)
    asyncio.run(oversight.begin(Hands(later), later))  # as a learner that has stepped back
    (dropped,) = oversight.take_decisions()
    assert dropped.reason == "challenger 1: it could not be put in place: MemoryError('two models')"
    assert later.oversight["plan"] is None
    notice(oversight, lesson("again"), [], later)
    again = after(later)
    asyncio.run(oversight.begin(Hands(again), again))
    assert kinds(oversight) == ["retrain-resumed"]


def test_who_is_ahead_of_the_learner_waits_for_it(tmp_path: Path) -> None:
    placed: list[int] = []

    class Placing(Hands):
        async def replace(self, *_: object) -> None:
            placed.append(self.progress.position)

    async def run() -> None:
        progress = far_progress()
        oversight = overseen_by(Placing(progress))
        await oversight.begin(oversight._hands, progress)
        await oversight.notice(lesson(), [ALARM], progress)
        TrialFolder(tmp_path / "challenge").hand_over(
            KeptModel.of(Recommender(Stock(100, CPU), seed=0), Mark(50, 0, {}), Names())
        )
        hearing = asyncio.create_task(oversight._hear(None, HandedOver()))  # type: ignore[arg-type]
        for progress.position in (45, 49, 50):
            await oversight.notice(lesson(), [], progress)
            await asyncio.wait([hearing], timeout=0.05)
        await hearing

    def overseen_by(hands: Hands) -> Quiet:
        oversight = Quiet(Settings(retrain_examples=1_000, data_dir=tmp_path))
        oversight._hands = hands
        return oversight

    asyncio.run(run())
    assert placed == [50]


def test_a_trial_that_another_try_may_help_begins_again_without_a_word(
    overseen: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[Any] = []

    class Failing(Saying):
        def __init__(self, order: Any) -> None:
            super().__init__(order)
            tries.append(order)
            self.says = (Failed("the broker is away", again=len(tries) < 3),)

    monkeypatch.setattr("stream.challenge.trials.ChallengerProcess", Failing)
    monkeypatch.setattr("stream.challenge.trials._AGAIN_SECONDS", 0.0)
    progress = far_progress()
    oversight = overseen(progress)
    notice(oversight, lesson(), [ALARM], progress)
    asyncio.run(oversight._trials._hold_all())
    assert len(tries) == 3
    assert tries[0] == tries[1] == tries[2]
    (dropped,) = oversight.take_decisions()[2:]
    assert (dropped.kind, dropped.reason) == ("retrain-dropped", "challenger 1: the broker is away")


def test_a_challenger_that_is_unfit_to_serve_is_dropped_with_the_reason(
    overseen: Begin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Refusing(Hands):
        async def replace(self, *_: object) -> None:
            raise Unfit("its lists take 9.0 ms, those of the champion 1.0 ms")

    monkeypatch.setattr("stream.challenge.trials.ChallengerProcess", HandingOver)
    progress = far_progress()
    oversight = overseen(progress, data_dir=tmp_path)
    oversight._hands = Refusing(progress)
    notice(oversight, lesson(), [ALARM], progress)
    recommender = Recommender(Stock(100, CPU), seed=0)
    TrialFolder(tmp_path / "challenge").hand_over(KeptModel.of(recommender, Mark(0, 0, {}), Names()))
    asyncio.run(oversight._trials._hold_all())
    decision = oversight.take_decisions()[-1]
    assert decision.kind == "retrain-dropped"
    assert decision.reason == "challenger 1: its lists take 9.0 ms, those of the champion 1.0 ms"
    assert progress.oversight["plan"] is None


@pytest.mark.parametrize("can_be_kept", [True, False])
def test_the_champion_before_is_on_trial_after_a_promotion_if_it_can_be_kept(
    overseen: Begin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, can_be_kept: bool
) -> None:
    progress = far_progress()
    oversight = overseen(progress)
    notice(oversight, lesson(), [ALARM], progress)
    champion = asyncio.run(Hands(progress).keep())
    successor = champion._replace(place=Mark(35, 19_900, {}))
    if not can_be_kept:
        monkeypatch.setattr(KeptModel, "save", no_space)
    oversight._winning = BETTER
    asyncio.run(oversight._replaced(successor, champion, progress))
    told, plan, folder = kinds(oversight), progress.oversight["plan"], TrialFolder(tmp_path / "challenge")
    if can_be_kept:
        assert told[-1] == "promotion"
        assert (plan["role"], plan["position"], plan["champion"]) == (Phase.PREDECESSOR, 41, 35)
        assert folder.predecessor(41).place == champion.place
        assert folder.champion(35).place == successor.place
    else:
        assert told[-2:] == ["promotion", "retrain-dropped"]
        assert plan is None


def no_space(*_: object) -> None:
    raise OSError("no space left")


def test_none_is_trained_where_the_champion_cannot_be_kept(
    overseen: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(KeptModel, "save", no_space)
    progress = far_progress()
    oversight = overseen(progress)
    notice(oversight, lesson(), [ALARM], progress)
    alarm, refused = oversight.take_decisions()
    assert (alarm.kind, refused.kind) == ("drift-alarm", "retrain-refused")
    assert "no space left" in refused.reason
    assert (oversight.trials, progress.oversight["plan"]) == (0, None)


def test_no_trial_goes_on_at_another_worker_where_the_champion_cannot_be_kept(
    overseen: Begin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    progress = far_progress()
    notice(overseen(progress), lesson(), [ALARM], progress)
    monkeypatch.setattr(KeptModel, "save", no_space)
    later = after(progress)
    other = overseen(later, data_dir=tmp_path / "other")
    assert kinds(other) == ["retrain-dropped", "retrain-refused"]
    assert (other.trials, later.oversight["plan"]) == (0, None)
    notice(other, lesson("again"), [], later)
    assert kinds(other) == ["retrain-refused"]


def after(progress: Progress) -> Progress:
    """Return the progress as the next learner takes it up."""
    return Progress(100, progress.to_dict(), 1_000)


def test_another_worker_begins_another_trial_against_the_champion_that_it_has(
    overseen: Begin, tmp_path: Path
) -> None:
    progress = far_progress()
    notice(overseen(progress), lesson(), [ALARM], progress)
    later = after(progress)
    later.position, later.taught = 90, 20_500
    other = overseen(later, data_dir=tmp_path / "other")
    assert kinds(other) == ["retrain-dropped", "retrain-started"]
    assert other.trials == 1
    plan = later.oversight["plan"]
    assert (plan["position"], plan["champion"], plan["recent"]) == (90, 90, 2_560)
    assert TrialFolder(tmp_path / "other" / "challenge").champion(90).place.taught == 20_500


def test_a_learner_that_moves_to_and_fro_trains_no_more_than_the_budget_has(
    overseen: Begin, tmp_path: Path
) -> None:
    progress, trained = far_progress(), 1
    notice(overseen(progress, retrain_per_day=3), lesson(), [ALARM], progress)
    for number in range(5):
        progress = after(progress)
        other = overseen(progress, retrain_per_day=3, data_dir=tmp_path / f"other-{number}")
        trained += kinds(other).count("retrain-started")
    assert trained == 3
    assert progress.oversight["plan"] is None


def test_another_worker_lets_the_champion_before_go_and_trains_another(
    overseen: Begin, tmp_path: Path
) -> None:
    progress = far_progress()
    oversight = overseen(progress)
    notice(oversight, lesson(), [ALARM], progress)
    champion = asyncio.run(Hands(progress).keep())
    oversight._winning = BETTER
    asyncio.run(oversight._replaced(champion._replace(place=Mark(35, 19_900, {})), champion, progress))
    assert kinds(overseen(after(progress))) == ["retrain-resumed"]
    other = tmp_path / "other"
    assert kinds(overseen(after(progress), data_dir=other)) == ["retrain-dropped", "retrain-started"]
    assert kinds(overseen(after(progress), data_dir=other / "no", retrain="no")) == ["retrain-dropped"]


def test_a_trial_ends_where_its_examples_are_gone(overseen: Begin) -> None:
    """As where their topic is deleted and made anew: what it waits for would not come for long."""
    progress = far_progress()
    notice(overseen(progress), lesson(), [ALARM], progress)
    later = after(progress)
    later.take_over("another topic", 10)
    later.log = later.log or "the first"
    other = overseen(later)
    assert later.position == 0
    assert kinds(other) == ["retrain-dropped"]
    assert later.oversight["plan"] is None


def test_a_trial_ends_where_retraining_is_turned_off_but_not_a_probation(overseen: Begin) -> None:
    progress = far_progress()
    oversight = overseen(progress)
    notice(oversight, lesson(), [ALARM], progress)
    assert kinds(overseen(after(progress), retrain="no")) == ["retrain-dropped"]
    champion = asyncio.run(Hands(progress).keep())
    oversight._winning = BETTER
    asyncio.run(oversight._replaced(champion._replace(place=Mark(35, 19_900, {})), champion, progress))
    assert kinds(overseen(after(progress), retrain="no")) == ["retrain-resumed"]


def test_what_was_asked_for_before_the_learner_went_back_is_not_heard_again(overseen: Begin) -> None:
    progress = far_progress()
    oversight = overseen(progress)
    progress.tested_to = 41
    notice(oversight, lesson("a new season")._replace(start=40), [], progress)
    assert kinds(oversight) == []
    notice(oversight, lesson("a new season")._replace(start=41), [], progress)
    assert kinds(oversight) == ["retrain-started"]
