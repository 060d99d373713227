"""Laws of Learners one after the other, and of the user's own recent items."""

import torch
from hypothesis import given
from hypothesis import strategies as st
from lessons import examples
from torch import Tensor

from models.chain import Chain
from models.context import Context
from models.examples import Examples
from models.ranking import Ranking
from models.recent import Recent

CPU = torch.device("cpu")


class Fixed:
    """Always ranks the same items, without those that are banned; counts its lessons."""

    def __init__(self, items: list[int], loss: float) -> None:
        self.items, self.loss, self.lessons = items, loss, 0

    def learn_many(self, examples: Examples) -> Tensor:
        self.lessons += len(examples.item)
        return torch.full((len(examples.item),), self.loss)

    def predict_many(self, context: Context, banned: Tensor, k: int) -> Ranking:
        lines = [[item for item in self.items if item not in line][:k] for line in banned.tolist()]
        items = torch.tensor([line + [0] * (k - len(line)) for line in lines]).reshape(len(context.items), k)
        scores = torch.where(items != 0, -1.0 - torch.arange(k), 0)
        return Ranking(items, scores, torch.zeros_like(items, dtype=torch.uint8))


def context(items: list[int]) -> Context:
    known = torch.tensor([items])
    return Context(known, known.ne(0).to(torch.uint8), known)


def distinct(*lists: list[int]) -> list[tuple[int, int]]:
    """Return items and the place of the list in which each stands first."""
    found: dict[int, int] = {}
    for place, items in enumerate(lists):
        for item in items:
            found.setdefault(item, place)
    return list(found.items())


ranked = st.lists(st.integers(1, 12), unique=True, max_size=8)


@given(ranked, ranked, ranked, st.integers(1, 12), st.integers(1, 15))
def test_a_chain_reads_its_parts_in_order_without_repeats(
    one: list[int], two: list[int], three: list[int], banned: int, k: int
) -> None:
    chain = Chain([Fixed(one, 0), Fixed(two, 0), Fixed(three, 0)])
    items, scores, source = chain.predict_many(context([1]), torch.tensor([[banned]]), k)
    lists = ([item for item in part if item != banned][:k] for part in (one, two, three))
    expected = distinct(*lists)[:k]
    empty = [(0, 0)] * (k - len(expected))
    assert list(zip(items[0].tolist(), source[0].tolist(), strict=True)) == expected + empty
    assert [score < 0 for score in scores[0].tolist()] == [item != 0 for item in items[0].tolist()]


def test_every_part_learns_and_the_first_says_the_loss() -> None:
    parts = [Fixed([1], loss=2.5), Fixed([1], loss=0.5)]
    losses = Chain(parts).learn_many(examples(6, 0, CPU))
    assert losses.tolist() == [2.5] * 6
    assert [part.lessons for part in parts] == [6, 6]


def test_recent_items_are_ranked_latest_first_by_their_age() -> None:
    ranking = Recent().predict_many(context([5, 6, 7, 0]), torch.tensor([[5]]), 3)
    assert ranking.items.tolist() == [[6, 7, 0]]
    assert torch.allclose(ranking.scores, torch.tensor([[1 / 2, 1 / 3, 0]]))
