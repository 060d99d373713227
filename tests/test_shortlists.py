"""Laws of shortlists, against a dict for each line."""

from collections import defaultdict

import torch
from hypothesis import given
from hypothesis import strategies as st

from models.scorer import Proposal
from models.shortlists import shortlists
from models.table import Column, Table

CPU = torch.device("cpu")
WIDTHS = (4, 3, 2)
ITEMS = (-7, -2, 0, 3, 5, 2**40)

lines = st.lists(
    st.tuples(*(st.lists(st.sampled_from(ITEMS), min_size=n, max_size=n) for n in WIDTHS)),
    min_size=1,
    max_size=4,
)


def table() -> Table:
    """Return a table in which some of the items have a row."""
    made = Table({"count": Column()}, 10, CPU, seed=0)
    made.admit(torch.tensor([5, -7]))
    return made


@given(lines)
def test_each_item_stands_once_with_the_sums_of_what_was_said_of_it(
    named: list[tuple[list[int], ...]],
) -> None:
    items = [torch.tensor(part) for part in zip(*named, strict=True)]
    values = [torch.arange(1.0, part.numel() + 1).view(part.shape) for part in items]
    proposals = [
        Proposal(items[0], (values[0], -values[0])),
        Proposal(items[1]),
        Proposal(items[2], (values[2],)),
    ]
    found = shortlists(proposals, table())
    assert found[0].items.shape[1] == max(len(set().union(*line)) for line in named)
    for at, line in enumerate(named):
        distinct = sorted(set().union(*line))
        listed = found[0].items[at].tolist()
        assert listed[: len(distinct)] == distinct
        assert not any(listed[len(distinct) :])
        for place in (0, 2):
            sums = defaultdict[int, float](float)
            for item, value in zip(line[place], values[place][at].tolist(), strict=True):
                sums[item] += value
            said = found[place].values[0][at].tolist()
            assert said[: len(distinct)] == [sums[item] for item in distinct]
            assert not any(said[len(distinct) :])
        for place, said in enumerate(found):
            assert [item in line[place] for item in distinct] == said.named[at, : len(distinct)].tolist()
    assert torch.equal(found[0].values[1], -found[0].values[0])
    assert found[1].values == ()


@given(lines)
def test_an_item_without_a_row_is_a_candidate_as_well(named: list[tuple[list[int], ...]]) -> None:
    made, joined = table(), [[item for part in line for item in part] for line in named]
    found = shortlists([Proposal(torch.tensor(joined))], made)[0]
    assert torch.equal(found.rows, made.find(found.items))
    assert [set(line) - {0} for line in found.items.tolist()] == [set(line) - {0} for line in joined]
