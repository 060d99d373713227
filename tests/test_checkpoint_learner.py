"""What the checkpoints are for: a learner that starts from them goes on as if it had never stopped."""

from pathlib import Path

import pytest
from test_following import go_on, recommender, same, taught_by

from models.checkpoint import Checkpoints
from models.recommender import Recommender

NOW = 1_700_000_000_000


def _save(model: Recommender, checkpoints: Checkpoints) -> None:
    part = model.take_changes()
    checkpoints.append(part._replace(names=[f"item {key}" for key in part.rows.key.tolist()]), NOW)


@pytest.mark.parametrize("compacted", [False, True])
def test_a_learner_that_starts_from_its_checkpoints_goes_on_bit_for_bit(
    tmp_path: Path, *, compacted: bool
) -> None:
    model, checkpoints = recommender(), Checkpoints(tmp_path)
    for step in range(0, 12, 3):
        go_on(model, step, 3)
        _save(model, checkpoints)
    if compacted:
        checkpoints.compact(NOW)
    again = recommender()
    state, _ = Checkpoints(tmp_path).load()
    assert state is not None
    assert state.names == [f"item {key}" for key in state.rows.key.tolist()]
    again.follow(state)
    again.draw_from(taught_by(12))
    for learner in (model, again):
        go_on(learner, 12, 4)
    assert same(model, again)
