"""Laws of the sampled softmax."""

import math

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from models.losses import NEVER_DRAWN, Candidates, sampled_softmax


def drawn(seed: int, count: int, rows: int = 12) -> Candidates:
    """Return some of 12 items, each with the weights and the chance that belong to its row."""
    generator = torch.Generator().manual_seed(99)
    weights, chance = torch.randn(rows, 4, generator=generator), torch.rand(rows, generator=generator)
    place = torch.randint(rows, (count,), generator=torch.Generator().manual_seed(seed))
    return Candidates(place, weights[place], chance[place].log())


def queries(count: int) -> Tensor:
    return torch.randn(count, 4, generator=torch.Generator().manual_seed(5))


def brute_force(query: list[float], positives: Candidates, at: int, negatives: Candidates) -> float:
    def logit(candidates: Candidates, place: int) -> float:
        products = zip(query, candidates.weights[place].tolist(), strict=True)
        return sum(a * b for a, b in products) - float(candidates.log_chance[place])

    others = [n for n in range(len(negatives.rows)) if negatives.rows[n] != positives.rows[at]]
    total = sum(math.exp(logit(negatives, n)) for n in others) + math.exp(logit(positives, at))
    return math.log(total) - logit(positives, at)


@given(st.integers(0, 1000), st.integers(0, 6), st.integers(1, 30))
def test_the_loss_is_the_cross_entropy_written_out(seed: int, lines: int, sampled: int) -> None:
    positives, negatives, users = drawn(seed, lines), drawn(seed + 1, sampled), queries(lines)
    expected = [brute_force(users[at].tolist(), positives, at, negatives) for at in range(lines)]
    assert torch.allclose(sampled_softmax(users, positives, negatives), torch.tensor(expected), atol=1e-4)


def test_all_items_once_and_equally_likely_make_the_full_softmax() -> None:
    weights = torch.randn(9, 4, generator=torch.Generator().manual_seed(1))
    chance = torch.full((9,), math.log(1 / 9))
    everything = Candidates(torch.arange(9), weights, chance)
    target = torch.tensor([3, 0, 8])
    positives = Candidates(target, weights[target], chance[target])
    expected = torch.nn.functional.cross_entropy(queries(3) @ weights.T, target, reduction="none")
    assert torch.allclose(sampled_softmax(queries(3), positives, everything), expected, atol=1e-5)


def test_an_item_drawn_twice_as_often_pushes_no_harder() -> None:
    positives, others = drawn(1, 3), drawn(2, 1)
    popular = Candidates(others.rows.repeat(2), others.weights.repeat(2, 1), others.log_chance.repeat(2))
    twice_the_chance = popular._replace(log_chance=popular.log_chance + math.log(2))
    once = sampled_softmax(queries(3), positives, others)
    assert torch.allclose(sampled_softmax(queries(3), positives, twice_the_chance), once, atol=1e-5)
    assert not torch.allclose(sampled_softmax(queries(3), positives, popular), once, atol=1e-2)


def test_what_is_never_drawn_takes_no_part() -> None:
    positives, negatives = drawn(1, 3), drawn(2, 6)
    padding = Candidates(torch.zeros(2).long(), torch.zeros(2, 4), torch.full((2,), NEVER_DRAWN))
    both = Candidates(*(torch.cat(pair) for pair in zip(negatives, padding, strict=True)))
    expected = sampled_softmax(queries(3), positives, negatives)
    assert torch.equal(sampled_softmax(queries(3), positives, both), expected)


def test_with_nothing_to_stand_against_there_is_no_loss_and_no_push() -> None:
    positives = Candidates(torch.tensor([4, 4]), torch.ones(2, 4), torch.tensor([-2.0, -2.0]))
    for negatives in (
        positives,
        positives._replace(rows=torch.zeros(2).long(), log_chance=torch.full((2,), NEVER_DRAWN)),
    ):
        users = queries(2).requires_grad_()
        losses = sampled_softmax(users, positives, negatives)
        losses.sum().backward()
        assert torch.equal(losses, torch.zeros(2))
        assert users.grad is not None
        assert torch.equal(users.grad, torch.zeros(2, 4))
