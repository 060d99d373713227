"""Laws of the board: TensorBoard's own reader finds what was learnt, and how well."""

import sys
from pathlib import Path

import pytest
import torch
from lessons import examples
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import stream.board
from models.recommender import Recommender
from models.stock import Stock
from stream.board import Board
from stream.settings import BadSetting

CPU = torch.device("cpu")


def test_each_point_is_at_the_examples_learnt_and_tells_of_what_came_since_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream.board, "_EVERY", 0.0)
    board = Board(tmp_path / "curves")
    recommender, learnt = Recommender(Stock(1_000, CPU), seed=0), []
    for number, rank in enumerate((1, 0, 4)):  # all hit, then none, then all at the fourth place
        lesson = examples(32, number, CPU)
        lesson = lesson._replace(rank=torch.full_like(lesson.rank, rank))
        recommender.test_many(lesson)
        recommender.learn_many(lesson)
        board.note(recommender, 2.5 - number, {"promotion": number})
        learnt.append(recommender.learnt)
    board.close()
    read = EventAccumulator(str(tmp_path / "curves")).Reload()
    curves = {
        name: [(point.step, round(point.value, 4)) for point in read.Scalars(name)]
        for name in read.Tags()["scalars"]
    }
    assert curves["loss"] == list(zip(learnt, (2.5, 1.5, 0.5), strict=True))
    assert curves["hit_rate_20/headrace"] == list(zip(learnt, (1.0, 0.5, 0.6667), strict=True))
    assert curves["hit_rate_20/headrace_lately"] == list(zip(learnt, (1.0, 0.0, 1.0), strict=True))
    assert curves["mrr_20/headrace_lately"] == list(zip(learnt, (1.0, 0.0, 0.25), strict=True))
    assert curves["decisions/promotion"] == list(zip(learnt, (0, 1, 2), strict=True))
    assert curves["rows"][-1] == (learnt[-1], recommender.items)
    assert {"hit_rate_20/pop", "hit_rate_20/rep", "drift/missed_views"} <= curves.keys()


def test_points_are_apart_and_nothing_is_there_before_the_first(tmp_path: Path) -> None:
    board = Board(tmp_path / "curves")
    board.close()
    assert not (tmp_path / "curves").exists()
    recommender = Recommender(Stock(1_000, CPU), seed=0)
    for _ in range(3):
        board.note(recommender, 1.0, {})
    board.close()
    assert len(EventAccumulator(str(tmp_path / "curves")).Reload().Scalars("loss")) == 1


def test_who_does_not_ask_for_it_needs_no_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    idle = Board(None)
    idle.note(Recommender(Stock(1_000, CPU), seed=0), 1.0, {})
    idle.close()
    with pytest.raises(BadSetting, match=r"pip install headrace\[tensorboard\]"):
        Board(tmp_path)
