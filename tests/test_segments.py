"""Laws of kinds of events, by hand."""

import torch
from lessons import examples

from models.batch import CODE_OF
from models.events import Action
from models.metrics import NOT_SCORED, Quality
from models.segments import Segments

CPU = torch.device("cpu")
VIEW, CART = CODE_OF[Action.VIEW_ITEM], CODE_OF[Action.ADD_TO_CART]


def count(segments: Segments, *events: tuple[int, list[int], int, int]) -> None:
    """Count events: an item, the context before it, its rank, its action."""
    made = examples(len(events), 0, CPU)
    items = torch.zeros_like(made.context.items)
    for line, (_, before, _, _) in enumerate(events):
        items[line, : len(before)] = torch.tensor(before)
    item, _, rank, action = zip(*events, strict=True)
    segments.update_many(
        made._replace(
            context=made.context._replace(items=items),
            item=torch.tensor(item),
            rank=torch.tensor(rank, dtype=torch.int8),
            action=torch.tensor(action, dtype=torch.uint8),
        )
    )


def test_each_event_counts_in_its_kinds() -> None:
    segments = Segments()
    count(segments, (5, [], NOT_SCORED, VIEW), (6, [5], 0, VIEW), (7, [6, 5], 1, CART), (7, [5], 2, VIEW))
    count(segments, (5, [7, 6, 5], 4, CART))
    expected = {
        "new user": (0.5, 0.25, 2),  # missed, second
        "new item": (0.5, 0.5, 2),  # missed, first
        "own item": (1.0, 0.25, 1),
        "other item": (1.0, 0.5, 1),
        "view_item": (0.5, 0.25, 2),
        "add_to_cart": (1.0, 0.625, 2),
    }
    found = {name: (it.hit_rate_20, it.mrr_20, it.scored) for name, it in segments.quality.items()}
    assert found == expected


def test_every_scored_event_has_an_action_and_is_new_own_or_other() -> None:
    segments = Segments()
    for seed in range(4):
        lesson = examples(64, seed, CPU)
        ranks = torch.randint(-1, 21, (64,), generator=torch.Generator().manual_seed(seed))
        segments.update_many(lesson._replace(rank=ranks.to(torch.int8)))
    scored: dict[str, Quality] = segments.quality
    total = scored["view_item"].scored
    assert total > 200
    # One may be both new to all and the user's own only where a context names what was never an example.
    assert sum(scored[name].scored for name in ("new item", "own item", "other item")) >= total
