"""Laws of the baselines that are fitted anew now and then."""

import random
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.attention_net import LENGTH, AttentionNet
from models.least_squares import LeastSquares
from models.refits import MAX_REFITS, Refits
from models.self_attention import _batches

K = 20
# The paper's: what an event adds to the confidence, and how strongly vectors are held to be short.
CONFIDENCE, DECAY = 10.0, 0.01


def test_a_log_is_fitted_fifty_times_at_most() -> None:
    refits = Refits()
    due = [event for event in range(1, 6_000_001) if refits.due()]
    assert len(due) == MAX_REFITS == 50
    refits._events = 10**12
    assert not refits.due()
    # Until then no fit is of less than four fifths of the log.
    assert all(earlier >= 0.8 * (later - 1) for earlier, later in pairwise(due))


def fitted(events: int, seed: int = 0) -> tuple[LeastSquares, list[tuple[int, int]]]:
    """Return ALS that was taught events of 9 users with 60 items, and these."""
    draw, factors = random.Random(seed), LeastSquares()  # noqa: S311 - any reproducible draw will do
    taught = [(draw.randint(1, 9), draw.randint(1, 60)) for _ in range(events)]
    for who, item in taught:
        factors.learn(who, [], item, 0)
    return factors, taught


def test_als_is_fitted_to_how_often_each_user_had_each_item() -> None:
    factors, taught = fitted(125)
    counts = factors._counts(factors._pairs, len(factors._users)).toarray()
    for user, who in enumerate(factors._users.keys):
        for place, item in enumerate(factors._items.keys):
            assert counts[user, place] == taught.count((who, item))


def test_als_ranks_by_the_solution_of_the_papers_equations() -> None:
    factors, _ = fitted(125)
    items = factors._model.item_factors.astype(np.float64)  # float64[n, F]
    history = [*factors._items.keys[:5], factors._items.keys[0], 999]
    wanted = np.zeros(len(items))
    for item in history[:-1]:
        wanted[factors._items.keys.index(item)] += CONFIDENCE
    # (Y'CY + λI) x = Y'Cp, where C is 1 more than nothing for what was not had.
    squares = items.T @ np.diag(np.where(wanted > 0, wanted, 1)) @ items + DECAY * np.eye(items.shape[1])
    scores = items @ np.linalg.solve(squares, items.T @ wanted)
    expected = [factors._items.keys[place] for place in np.argsort(-scores)]
    assert factors.rank(1, history, K) == expected[:K]


def test_als_knows_nothing_of_what_came_after_its_last_fit() -> None:
    factors, _ = fitted(125)
    before = factors.rank(1, [1, 2, 3], K)
    factors.learn(1, [], 777, 0)
    assert factors.rank(1, [777], K) == []
    assert factors.rank(1, [1, 2, 3], K) == before


def net(items: int = 50) -> AttentionNet:
    made = AttentionNet(torch.Generator().manual_seed(0)).eval()
    made.grow(items)
    # Larger than as drawn, so that places speak to each other.
    for weights in made.parameters():
        weights.data.mul_(5)
    return made


def test_attention_sees_nothing_of_what_comes_later() -> None:
    with torch.inference_mode():
        sequence = torch.randint(1, 51, (4, LENGTH), generator=torch.Generator().manual_seed(1))
        whole, made = net()(sequence), net()
        for length in (1, 2, 7, LENGTH - 1):
            assert torch.allclose(made(sequence[:, :length]), whole[:, :length], atol=1e-4)
        other = sequence.clone()
        other[:, 3] = sequence[:, 3] % 50 + 1
        changed = (net()(other) - whole).abs().amax(dim=(0, 2)) > 1e-5  # bool[L]
    assert changed.tolist() == [False] * 3 + [True] * (LENGTH - 3)


def test_more_room_for_items_changes_none_that_are_there() -> None:
    made = net(10)
    before = made.items.detach().clone()
    made.grow(25)
    assert len(made.items) == 26
    assert torch.equal(made.items[:11], before)


def test_the_loss_of_a_net_that_knows_nothing_is_that_of_a_guess_among_all_items() -> None:
    made = AttentionNet(torch.Generator().manual_seed(0)).eval()
    made.grow(500)
    loss = made.loss(torch.randint(1, 501, (64, LENGTH + 1), generator=torch.Generator().manual_seed(1)))
    assert loss.item() == pytest.approx(np.log(500), abs=0.02)


def test_padding_adds_nothing_to_the_loss() -> None:
    sequences = torch.randint(1, 51, (8, 5), generator=torch.Generator().manual_seed(1))
    padded = torch.nn.functional.pad(sequences, (0, 6))
    assert net().loss(padded).item() == pytest.approx(net().loss(sequences).item(), rel=1e-4)


@given(st.lists(st.integers(1, 3 * LENGTH + 5), max_size=200))
def test_each_step_of_a_user_is_in_one_window(lengths: list[int]) -> None:
    sequences = [
        [1000 * user + place for place in range(1, length + 1)] for user, length in enumerate(lengths)
    ]
    steps = sorted(step for sequence in sequences for step in pairwise(sequence))
    found = []
    for batch in _batches(sequences):
        assert batch.shape[1] <= LENGTH + 1
        for line in batch.tolist():
            window = [item for item in line if item]
            assert line == window + [0] * (len(line) - len(window))
            found += pairwise(window)
    assert sorted(found) == steps
