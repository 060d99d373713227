"""Laws of how the outcome of views is settled."""

import numpy as np
import pytest
import torch
from lessons import contexts, keys

from models.batch import CODE_OF
from models.events import Action
from models.examples import Examples
from models.metrics import NOT_SCORED
from models.verdicts import Verdicts

VIEW, CART, BUY = (CODE_OF[it] for it in (Action.VIEW_ITEM, Action.ADD_TO_CART, Action.PURCHASE))
DAY_MS = 86_400_000
START_MS = 1_700_000_000_000
# User, item, action, and days after the start.
Done = tuple[int, int, int, float]


def verdicts(*done: Done, size: int = 3) -> Verdicts:
    """Return the verdicts on a history of which a tenth was foretold of carts, a fifth of purchases."""
    found = Verdicts()
    for at in range(0, len(done), size):
        who, item, action, day = (torch.tensor(column) for column in zip(*done[at : at + size], strict=True))
        examples = Examples(
            context=contexts(len(who), 0, torch.device("cpu")),
            item=keys(item),
            action=action.to(torch.uint8),
            ts=START_MS + (day * DAY_MS).long(),
            rank=torch.full_like(item, NOT_SCORED, dtype=torch.int8),
            who=who,
        )
        found.update_many(
            examples, np.tile(np.array([[0.1], [0.2]], np.float32), int((action == VIEW).sum()))
        )
    return found


def came(*done: Done) -> dict[str, tuple[int, int]]:
    """Return how many carts and purchases came of how many views, beside another user's."""
    others = (9, 9, VIEW, 0.0), (9, 9, BUY, 0.0), (9, 8, VIEW, 0.0)
    return {name: (it.positives - 1, it.scored - 2) for name, it in verdicts(*others, *done).quality.items()}


def test_what_comes_counts_for_the_latest_view_of_the_same_user_and_item() -> None:
    assert came((1, 1, VIEW, 0), (1, 1, CART, 0.1), (1, 1, BUY, 2)) == {"cart": (1, 1), "purchase": (1, 1)}
    assert came((1, 1, VIEW, 0), (1, 1, VIEW, 1), (1, 1, BUY, 2)) == {"cart": (1, 2), "purchase": (1, 2)}
    assert came((1, 1, VIEW, 0), (2, 1, BUY, 1), (1, 2, BUY, 1)) == {"cart": (0, 1), "purchase": (0, 1)}


def test_it_counts_once_and_no_cart_after_the_purchase() -> None:
    done = (1, 1, VIEW, 0), (1, 1, BUY, 1), (1, 1, BUY, 1.5), (1, 1, CART, 2)
    assert came(*done) == {"cart": (1, 1), "purchase": (1, 1)}


@pytest.mark.parametrize(("day", "bought"), [(6.9, 1), (7.1, 0)])
def test_a_view_waits_for_seven_days(day: float, bought: int) -> None:
    assert came((1, 1, VIEW, 0), (1, 1, BUY, day))["purchase"] == (bought, 1)


def test_a_view_that_is_repeated_waits_anew() -> None:
    done = (1, 1, VIEW, 0), (1, 1, VIEW, 5), (2, 2, VIEW, 8), (1, 1, BUY, 11)
    assert came(*done)["purchase"] == (1, 3)


def test_only_what_may_still_come_is_held() -> None:
    views = [(user, user, VIEW, user / 10) for user in range(1, 500)]
    assert verdicts(*views).open == pytest.approx(70, abs=1)
    again = [(1, 1, VIEW, day / 10) for day in range(500)]
    assert verdicts(*again).open == 1


def test_how_it_is_cut_into_batches_makes_no_difference() -> None:
    rng = np.random.default_rng(0)
    done: list[Done] = [
        (int(rng.integers(1, 4)), int(rng.integers(1, 4)), int(rng.choice([VIEW, CART, BUY])), n / 10)
        for n in range(400)
    ]
    assert verdicts(*done, size=1).quality == verdicts(*done, size=400).quality
