"""Laws of the guardrails: what must not serve does not, however well it foresees."""

import asyncio
from collections.abc import Callable
from contextlib import closing
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from faust.types import TP
from lessons import contexts, pair_lessons

from models.context import Context
from models.guardrails import Soundness, Unfit, require_finite
from models.monitor import Foretold
from models.names import Names
from models.ranking import Ranking
from models.recommender import Recommender
from stream.brain import Brain
from stream.challenge.kept import KeptModel
from stream.inspection import require_fit
from stream.learner import Learner
from stream.lessons import Lesson
from stream.oversight import Oversight
from stream.progress import Mark
from stream.settings import Settings

CPU = torch.device("cpu")
ASKED = contexts(40, 1, CPU)


def taught(brain: Brain) -> Recommender:
    recommender = brain.new()
    for seed in range(4):
        recommender.learn_many(pair_lessons(20, seed, CPU))
    return recommender


@pytest.fixture
def brain() -> Any:
    with closing(Brain(Settings(device="cpu"))) as brain:
        brain.recommender = taught(brain)
        yield brain


def test_coverage_is_items_listed_by_items_met() -> None:
    sound = Soundness()
    sound.update_many(np.array([[1, 2], [1, 0]]), np.array([7, 7]))
    assert sound.coverage == 2.0
    sound.update_many(np.array([[2, 1], [3, 0]]), np.array([8, 9]))
    assert sound.coverage == 1.0


def test_carts_are_told_once_there_are_enough_of_either() -> None:
    few = Soundness()
    few.update_carts(Foretold(torch.full((20,), 0.5), 99))
    assert few.carts == 1.0
    few.update_carts(Foretold(torch.full((100,), 0.4), 1))
    assert few.carts == pytest.approx(50 / 100)
    too_many = Soundness()
    too_many.update_carts(Foretold(torch.full((200,), 0.5), 0))
    assert too_many.carts == pytest.approx(100)
    nothing = Soundness()
    nothing.update_carts(Foretold(torch.full((2,), torch.nan), 200))
    assert nothing.carts == 0.0


def test_a_model_that_knows_numbers_alone_passes(brain: Brain) -> None:
    require_finite(brain.recommender, ASKED)
    require_fit(taught(brain), brain.recommender, ASKED)


def spoilt(model: Recommender, name: str) -> Recommender:
    """Return a model in one row of which a column is no number any more."""
    snapshot = model.snapshot()
    snapshot.rows.columns[name][3] = np.nan
    return KeptModel(snapshot, b"", Mark(0, 0, {})).build(model_of(model))


def model_of(model: Recommender) -> Callable[[], Recommender]:
    return lambda: Recommender(model.product._content._stock, 0)


@pytest.mark.parametrize("name", ["weight", "trend", "viewed"])
def test_one_row_that_is_not_finite_is_enough_to_be_unfit(brain: Brain, name: str) -> None:
    model = spoilt(brain.recommender, name)
    with pytest.raises(Unfit, match="learnt is not all finite"):
        require_finite(model, ASKED)


def test_chances_that_are_not_finite_are_enough_to_be_unfit(brain: Brain) -> None:
    brain.recommender.product.behaviour._weights[0, 0] = torch.nan
    with pytest.raises(Unfit, match="scores or chances"):
        require_finite(brain.recommender, ASKED)


def test_a_blend_that_is_not_finite_is_unfit_though_its_scores_are_taken_for_0(brain: Brain) -> None:
    brain.recommender.product._blend._weights[0, 0] = torch.nan
    with pytest.raises(Unfit, match="learnt is not all finite"):
        require_finite(brain.recommender, ASKED)


class Slow(Recommender):
    """One that makes each list again and again."""

    def predict_many(self, context: Context, banned: torch.Tensor, k: int) -> Ranking:
        for _ in range(9):
            super().predict_many(context, banned, k)
        return super().predict_many(context, banned, k)


def test_who_takes_much_longer_is_refused_and_the_champion_goes_on(brain: Brain) -> None:
    champion = brain.recommender
    kept = KeptModel.of(champion, Mark(0, 0, {}), Names())
    brain._asked, brain.new = ASKED, lambda: Slow(champion.product._content._stock, 0)  # type: ignore[method-assign]
    before = champion.version
    with pytest.raises(Unfit, match="ms, those of the champion"):
        asyncio.run(brain.succeed(kept))
    assert brain.recommender is champion
    assert champion.version == before
    require_fit(champion, brain.new(), ASKED)  # the other way round it is welcome


def test_a_step_whose_gradients_are_not_finite_makes_its_records_dead_letters(brain: Brain) -> None:
    """The chunk is then settled by the worker, which sends them, and not acknowledged as it is."""
    settled: list[object] = []

    async def nothing(*_: object) -> None:
        pass

    wire: Any = SimpleNamespace(examples="examples")
    learner = Learner(brain, Any, wire, Any, oversight=Oversight(Settings()))  # type: ignore[arg-type]
    learner._publishing = SimpleNamespace(finish=settled.extend, publish_if_due=nothing)  # type: ignore[assignment]
    letters: dict[int, bytes] = {}
    record: Any = SimpleNamespace(offset=5, key=None, value=b"packed", timestamp=7, headers=())
    place = TP("examples", 0), record, letters
    lesson = Lesson(pair_lessons(20, 9, CPU), 120, 0, 6, {}, [(None, letters)], 7, "", [place])  # type: ignore[list-item]
    brain.recommender._table["weight"][3] = torch.inf
    learnt = asyncio.run(learner.learn(lesson))
    assert learnt is not None
    assert learnt.refused > 0
    assert settled == []
    assert list(letters) == [5]
