"""Laws of what examples say of views and of what came of them."""

import torch
from lessons import keys
from torch import Tensor

from models.batch import CODE_OF
from models.context import CONTEXT_ITEMS, Context
from models.conversions import Conversions, conversions_of
from models.events import Action
from models.examples import Examples
from models.metrics import NOT_SCORED

START_MS = 1_700_000_000_000
MINUTE = 60_000
VIEW, CART, BUY, CHECKOUT = (
    CODE_OF[action]
    for action in (Action.VIEW_ITEM, Action.ADD_TO_CART, Action.PURCHASE, Action.BEGIN_CHECKOUT)
)
# What a user has done, item and action: the number of an item is its name.
Steps = list[tuple[int, int]]


def example(*done: tuple[int, int]) -> Examples:
    """Return the example of the last thing done, after the ones before, a minute after each other."""
    *before, (item, action) = done
    known: dict[int, tuple[int, int]] = {}
    for minute, (other, what) in enumerate(before):
        known.pop(other, None)
        known[other] = what, START_MS + minute * MINUTE
    newest = list(reversed(known.items()))[:CONTEXT_ITEMS]
    items, actions, ts = (torch.zeros(1, CONTEXT_ITEMS, dtype=torch.int64) for _ in range(3))
    for place, (other, (what, when)) in enumerate(newest):
        items[0, place], actions[0, place], ts[0, place] = other, what, when
    return Examples(
        context=Context(keys(items), actions.to(torch.uint8), ts),
        item=keys(torch.tensor([item])),
        action=torch.tensor([action], dtype=torch.uint8),
        ts=torch.tensor([START_MS + len(before) * MINUTE]),
        rank=torch.tensor([NOT_SCORED], dtype=torch.int8),
        who=torch.tensor([1]),
    )


def line(*done: tuple[int, int]) -> Conversions:
    return conversions_of(example(*done))


def known(lines: Conversions) -> Tensor:
    return lines.context.items[lines.context.items != 0]


def told(lines: Conversions) -> list[bool]:
    """Return whether there is a view, a cart, a purchase in the only line; nothing where there is no line."""
    return [bool(it) for it in (*lines.is_view, *lines.outcome.flatten())]


def test_a_view_is_a_line_of_which_nothing_has_come() -> None:
    lines = line((1, VIEW), (2, VIEW), (3, VIEW))
    assert told(lines) == [True, False, False]
    assert torch.equal(known(lines), keys(torch.tensor([2, 1])))
    assert lines.age.tolist() == [0]


def test_what_comes_later_has_the_context_of_its_view() -> None:
    view = line((1, CART), (2, VIEW), (3, VIEW))
    for since in ([], [(4, VIEW)], [(4, VIEW), (5, BUY), (6, VIEW)]):
        later = line((1, CART), (2, VIEW), (3, VIEW), *since, (3, CART))
        assert all(torch.equal(one, other) for one, other in zip(view.context, later.context, strict=True))
        assert later.age.tolist() == [(len(since) + 1) * MINUTE]
        assert told(later) == [False, True, False]


def test_a_repeated_view_does_not_see_itself() -> None:
    lines = line((1, VIEW), (3, VIEW), (2, VIEW), (3, VIEW))
    assert torch.equal(known(lines), keys(torch.tensor([2, 1])))


def test_a_purchase_comes_of_the_cart_and_without_one_it_is_both() -> None:
    assert told(line((3, VIEW), (3, CART), (3, BUY))) == [False, False, True]
    assert told(line((3, VIEW), (3, CART), (3, CHECKOUT), (3, BUY))) == [False, False, True]
    assert told(line((3, VIEW), (3, BUY))) == [False, True, True]


def test_nothing_comes_of_a_view_twice() -> None:
    for again in ([(3, CART), (3, CART)], [(3, BUY), (3, BUY)], [(3, CART), (3, BUY), (3, CART)]):
        assert told(line((3, VIEW), *again)) == []
    assert told(line((3, VIEW), (3, BUY), (3, VIEW), (3, BUY))) == [False, True, True]


def test_what_nobody_viewed_says_nothing() -> None:
    for action in (CART, BUY):
        assert told(line((1, VIEW), (3, action))) == []
        assert told(line((3, action))) == []


def test_other_actions_say_nothing() -> None:
    for action in set(CODE_OF.values()) - {VIEW, CART, BUY}:
        assert told(line((3, VIEW), (3, action))) == []


def test_lines_stand_in_the_order_of_the_examples() -> None:
    done: list[Steps] = [[(3, VIEW)], [(4, BUY)], [(5, VIEW), (5, BUY)], [(6, VIEW)]]
    lines = conversions_of(Examples.join([example(*steps) for steps in done]))
    assert torch.equal(lines.item, keys(torch.tensor([3, 5, 6])))
    assert lines.is_view.tolist() == [True, False, True]
