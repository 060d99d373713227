"""Laws of decayed popularity, by hand."""

from typing import Any

import pytest
import torch
from lessons import contexts, examples, keys
from torch import Tensor

import models.popularity
from models.context import Context
from models.examples import Examples
from models.popularity import LASTING, Decay, Popularity
from models.ranking import compact
from models.table import Table

CPU = torch.device("cpu")
NOBODY = contexts(1, 0, CPU)


def popular(places: int, limit: int, decay: Decay = LASTING) -> Popularity:
    return Popularity(Table(Popularity.COLUMNS, limit, CPU, seed=0), places, decay=decay)


def seen(items: list[int]) -> Examples:
    return examples(len(items), 1, CPU)._replace(item=torch.tensor(items, dtype=torch.int64))


def top(popularity: Popularity, k: int = 20, banned: int = 0) -> dict[int, float]:
    items, scores, _ = popularity.predict_many(NOBODY, torch.tensor([[banned]]), k)
    return {item: score for item, score in zip(items[0].tolist(), scores[0].tolist(), strict=True) if item}


def test_an_event_counts_half_as_much_20_000_events_later() -> None:
    popularity = popular(20, 100)
    popularity.learn_many(seen([7]))
    popularity.learn_many(seen([8] * 19_999))
    before = top(popularity)[7]
    assert before == pytest.approx(0.5, rel=1e-4)
    popularity.learn_many(seen([8] * 20_000))
    assert top(popularity)[7] == pytest.approx(before / 2, rel=1e-5)


def test_counts_decay_within_a_batch() -> None:
    popularity = popular(20, 100, Decay("trend", 1))
    popularity.learn_many(seen([4, 5, 4, 6]))
    # Of the next event's weight 1: the fourth has 1/2, the third 1/4, the second 1/8, the first 1/16.
    assert top(popularity) == pytest.approx({6: 1 / 2, 4: 1 / 4 + 1 / 16, 5: 1 / 8})
    assert list(top(popularity)) == [6, 4, 5]


def test_shares_of_all_events_come_to_one_and_forget() -> None:
    popularity = popular(20, 100, Decay("trend", 10))
    popularity.learn_many(seen([7] * 30 + [8] * 10 + [9] * 10))
    rows = popularity._table.find(torch.tensor([7, 8, 9, 4]))
    # Of the last 10 events come half, of the 10 before a quarter, of what was before all that is left.
    whole = 1 - 2.0**-5
    expected = [(1 / 4 - 2.0**-5) / whole, 1 / 4 / whole, 1 / 2 / whole, 0.0]
    assert popularity.shares_of_events(rows).tolist() == pytest.approx(expected, rel=1e-6)
    assert popular(20, 100).shares_of_events(torch.tensor([0])).tolist() == [0.0]


def test_how_events_are_batched_changes_nothing() -> None:
    items = keys(torch.arange(40).square() % 17 + 1).tolist()
    whole, single = popular(20, 100), popular(20, 100)
    whole.learn_many(seen(items))
    for item in items:
        single.learn_many(seen([item]))
    assert top(single) == pytest.approx(top(whole), rel=1e-6)


def test_an_event_changes_its_own_row_alone_however_many_there_were() -> None:
    """So whoever follows by the rows that have changed ranks the same."""
    popularity = popular(20, 100, Decay("trend", 1))
    popularity.learn_many(seen([4, 5]))
    popularity._table.take_changes()
    before = popularity._table["trend"].clone()
    for _ in range(50):
        popularity.learn_many(seen([8, 9] * 50))  # each count is 2^-5000 of what it was
    popularity.learn_many(seen([7, 9, 9]))
    changed = popularity._table.take_changes().rows
    assert popularity._table["key"][changed].sort().values.tolist() == [7, 8, 9]
    others = popularity._table.find(torch.tensor([4, 5]))
    assert torch.equal(popularity._table["trend"][others], before[others])
    # What 8 has is of the batch before: 2^-5 and every fourth of that.
    found = top(popularity)
    assert found == pytest.approx(
        {9: 3 / 4 + 2**-4 * 4 / 3, 7: 1 / 8, 8: 2**-5 * 4 / 3, 5: 0, 4: 0}, rel=1e-6
    )
    assert list(found) == [9, 7, 8, 5, 4]


def test_it_is_the_same_for_everybody_but_for_what_is_banned() -> None:
    popularity = popular(20, 100)
    popularity.learn_many(seen([4, 4, 4, 5, 5, 6]))
    many = Context(*(column.expand(3, -1) for column in NOBODY))
    ranking = popularity.predict_many(many, torch.tensor([[0, 0], [4, 6], [9, 5]]), 3)
    assert ranking.items.tolist() == [[4, 5, 6], [5, 0, 0], [4, 6, 0]]


def test_a_short_ranking_looks_at_no_more_places_than_it_can_need(monkeypatch: pytest.MonkeyPatch) -> None:
    widths = []

    def counting(wanted: Tensor, *rest: Any) -> list[Tensor]:
        widths.append(wanted.shape[1])
        return compact(wanted, *rest)

    monkeypatch.setattr(models.popularity, "compact", counting)
    popularity = popular(1_000, 2_000)
    popularity.learn_many(seen(list(range(1, 1_500))))
    found = popularity.predict_many(NOBODY, torch.tensor([[1_499, 1_498, 0]]), 5).items
    assert found.tolist() == [[1_497, 1_496, 1_495, 1_494, 1_493]]
    assert widths == [8]


def test_items_beyond_the_limit_are_never_recommended() -> None:
    popularity = popular(20, 2)
    popularity.learn_many(seen([4, 5]))
    popularity.learn_many(seen([6] * 50))
    assert set(top(popularity)) == {4, 5}
