"""The ids of the made-up shop."""

from typing import Final
from zlib import crc32

import msgspec
import numpy as np

from models.events import Action
from producers.shop.columns import CODES
from producers.shop.plan import ShopPlan

__all__ = ["Names"]

# The events of a view are told apart by a letter, in the order of `ACTIONS`.
_LETTERS: Final = ("l", "v", "c", "x", "p", "r")
_LIST: Final = CODES[Action.VIEW_ITEM_LIST]


class Names:
    """The ids of a shop's users, items and events; an item's id says nothing of it.

    Event ids begin with a hash of the plan, so that only the same shop repeats them.

    Attributes
    ----------
    items
        The id of each item, by its number.
    tag
        What the ids of events, sessions and orders begin with.

    Examples
    --------
    >>> Names(ShopPlan()).user(7)
    'u7'
    """

    def __init__(self, plan: ShopPlan) -> None:
        order = np.random.default_rng((plan.seed, 6)).permutation(plan.items)
        self.items = [f"i{number}" for number in order.tolist()]
        self.tag = f"{crc32(msgspec.msgpack.encode(plan)):08x}"

    def user(self, number: int) -> str:
        """Return the id of the user of that number."""
        return f"u{number}"

    def event(self, action: int, view: int, position: int) -> str:
        """Return the id of what the view of that number led to; ``action`` is a place in `ACTIONS`."""
        place = f"-{position}" if action == _LIST else ""
        return f"{self.tag}-{_LETTERS[action]}{view}{place}"
