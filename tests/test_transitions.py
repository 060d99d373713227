"""Laws of what stands beside what, against plain counting."""

from collections import defaultdict

import pytest
import torch
from lessons import contexts, examples

import models.transitions
from models.context import Context
from models.examples import Examples
from models.scorer import Known, Shortlist
from models.table import Table
from models.transitions import Transitions

CPU = torch.device("cpu")
HORIZON = 5


def transitions() -> Transitions:
    return Transitions(Table(Transitions.COLUMNS, 1_000, CPU, seed=0))


def teach(learner: Transitions, lesson: Examples) -> None:
    learner._table.version += 1
    learner._table.admit(lesson.item)
    learner.learn_many(lesson)


def neighbours(learner: Transitions, item: int) -> dict[int, float]:
    row = int(learner._table.find(torch.tensor([item])))
    keys, counts = learner._table["neighbour"][row], learner._table["neighbour_count"][row]
    return {key: count for key, count in zip(keys.tolist(), counts.tolist(), strict=True) if key}


def lesson(*chains: list[int]) -> Examples:
    """Return the last item of each chain as an example, those before it as its context."""
    made = examples(len(chains), 0, CPU)
    items = torch.zeros_like(made.context.items)
    for line, chain in enumerate(chains):
        items[line, : len(chain) - 1] = torch.tensor(chain[-2::-1])
    return made._replace(
        context=made.context._replace(items=items), item=torch.tensor([chain[-1] for chain in chains])
    )


@pytest.fixture
def unfading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models.transitions, "_FADE", 1.0)


@pytest.mark.usefixtures("unfading")
@pytest.mark.parametrize("size", [1, 7, 64])
def test_an_item_is_counted_beside_each_before_it_by_one_over_the_distance(size: int) -> None:
    learner = transitions()
    expected, known = defaultdict[int, dict[int, float]](lambda: defaultdict(float)), set[int]()
    for seed in range(4):
        for step in examples(64, seed, CPU).steps(size):
            teach(learner, step)
            known |= set(step.item.tolist())
            for item, line in zip(step.item.tolist(), step.context.items.tolist(), strict=True):
                for distance, before in enumerate(line[:HORIZON], start=1):
                    if before and before != item:
                        if before in known:
                            expected[before][item] += 1 / distance
                        expected[item][before] += 0.5 / distance
    assert len(expected) > 40
    for item, counted in expected.items():
        found, most = neighbours(learner, item), sorted(counted.values(), reverse=True)
        assert len(found) == min(len(counted), 32)
        if len(counted) <= 32:
            assert found == pytest.approx(dict(counted))
        assert max(found.values()) == pytest.approx(most[0], rel=0.2)


def test_those_that_count_most_stand_first() -> None:
    learner = transitions()
    for seed in range(6):
        teach(learner, examples(64, seed, CPU))
    counts = learner._table["neighbour_count"]
    assert bool((counts[:, :-1] >= counts[:, 1:]).all())
    assert bool(((counts > 0) == (learner._table["neighbour"] != 0)).all())


def test_what_is_counted_later_weighs_more() -> None:
    learner = transitions()
    teach(learner, lesson([8, 8], [3, 1]))
    for item in (1, 2):
        for _ in range(10):
            teach(learner, lesson([1, 3], [2, 4], [8, item]))
    found = neighbours(learner, 8)
    assert found[2] > found[1] > 9


def test_of_too_many_those_that_count_least_are_forgotten() -> None:
    learner = transitions()
    teach(learner, lesson([1, 1]))
    for item in range(100, 150):
        often = 3 if item < 110 else 1
        for _ in range(often):
            teach(learner, lesson([1, item]))
    found = neighbours(learner, 1)
    assert len(found) == 32
    assert set(range(100, 110)) <= found.keys()
    assert 149 in found, "a new one has its place"


def test_neighbours_are_proposed_with_their_shares() -> None:
    learner = transitions()
    teach(learner, lesson([1, 5]))
    teach(learner, lesson([5, 6], [5, 6], [5, 7]))
    context = lesson([5, 0]).context
    known = Known.of(context, learner._table)
    proposal = learner.propose(known)
    share = {
        item: value
        for item, value in zip(proposal.items[0].tolist(), proposal.values[1][0].tolist(), strict=True)
        if item
    }
    found = neighbours(learner, 5)
    assert share == pytest.approx({item: count / (sum(found.values()) + 1) for item, count in found.items()})
    assert share.keys() == {1, 6, 7}


def test_columns_are_about_one_at_most() -> None:
    learner = transitions()
    for seed in range(8):
        teach(learner, examples(64, seed, CPU))
    known = Known.of(Context(*contexts(32, 9, CPU)), learner._table)
    said = learner.propose(known)
    listed = Shortlist(said.items, learner._table.find(said.items), said.items != 0, said.values)
    columns = torch.stack(learner.columns(known, listed))
    assert len(columns) == len(learner.prior)
    assert bool(columns.isfinite().all())
    assert float(columns.min()) >= 0
    assert float(columns.max()) <= 2
