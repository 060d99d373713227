"""Laws of what stands beside what, against plain counting."""

from collections import defaultdict

import pytest
import torch
from lessons import contexts, examples

import models.transitions
from models.context import Context
from models.examples import Examples
from models.scorer import Known, Shortlist
from models.shortlists import shortlists
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


def shares(learner: Transitions, context: Context) -> list[dict[int, float]]:
    """Return what is said of the items that are proposed, a value at a time, for the first context."""
    said = learner.propose(Known.of(context, learner._table))
    found = []
    for value in said.values:
        sums = defaultdict[int, float](float)
        for item, part in zip(said.items[0].tolist(), value[0].tolist(), strict=True):
            sums[item] += part
        found.append({item: total for item, total in sums.items() if item and total})
    return found


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


def test_of_too_many_new_ones_in_a_step_those_that_count_least_are_left_out() -> None:
    learner = transitions()
    often = [131, 135, 138]  # the highest keys but one
    teach(learner, lesson([1, 7]))
    teach(learner, lesson(*([7, one] for one in [*range(100, 140), *often, *often])))
    found = neighbours(learner, 7)
    assert set(list(found)[:3]) == set(often)
    assert len(found) == 32


def test_neighbours_are_proposed_with_their_shares() -> None:
    learner = transitions()
    teach(learner, lesson([1, 5]))
    teach(learner, lesson([5, 6], [5, 6], [5, 7]))
    share = shares(learner, lesson([5, 0]).context)[1]
    found = neighbours(learner, 5)
    assert share == pytest.approx({item: count / (sum(found.values()) + 1) for item, count in found.items()})
    assert share.keys() == {1, 6, 7}


def test_what_a_user_has_just_done_counts_as_if_it_were_learnt() -> None:
    """Before an item has a row, after it was learnt, and with what others have taught."""
    late, prompt = transitions(), transitions()
    for learner in (late, prompt):
        teach(learner, lesson([9, 5], [9, 6], [8, 7]))
    for step in (lesson([6, 7]), lesson([6, 7, 5])):
        teach(prompt, step)
    context = lesson([6, 7, 5, 0]).context
    assert shares(late, context)[0].keys() == {5, 6, 7, 8, 9}
    for one, other in zip(shares(late, context), shares(prompt, context), strict=True):
        assert one == pytest.approx(other, abs=0.01)  # counts fade a little


def test_what_a_user_has_done_counts_no_more_than_once() -> None:
    """What others have taught of the same pair is enough."""
    learner = transitions()
    teach(learner, lesson([6, 5], [6, 5], [6, 5]))
    found = neighbours(learner, 5)
    assert shares(learner, lesson([6, 5, 0]).context)[1][6] == pytest.approx(found[6] / (found[6] + 1))


def test_what_a_user_has_just_done_is_spoken_of_and_not_named() -> None:
    learner = transitions()
    known = Known.of(lesson([6, 7, 5, 0]).context, learner._table)
    said = learner.propose(known)
    (listed,) = shortlists([said], learner._table)
    assert set(listed.items[0].tolist()) == {0, 5, 6, 7}
    assert not listed.named[listed.items != 0].any()
    assert float(listed.values[0].sum()) > 0


def test_items_of_earlier_visits_say_less_and_teach_less() -> None:
    learner, hour = transitions(), 3_600_000
    teach(learner, lesson([9, 5], [9, 6]))
    one = lesson([6, 5])
    apart = one._replace(ts=one.ts + hour)
    teach(learner, apart)
    assert neighbours(learner, 6)[5] == pytest.approx(0.1, abs=0.01)
    together = lesson([6, 5, 0]).context
    ts = together.ts.clone()
    ts[0, 1:] -= hour
    near, far = (shares(learner, it)[2][9] for it in (together, together._replace(ts=ts)))
    of_latest = neighbours(learner, 5)[9]
    assert far - of_latest == pytest.approx(0.5 * (near - of_latest))


def test_without_a_history_the_context_adds_nothing() -> None:
    learner = transitions()
    assert shares(learner, lesson([5, 0]).context) == [{}, {}, {}]


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
