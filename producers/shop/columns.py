"""Events of the made-up shop as columns, and the letters of all shapes in ``producers.shop``.

| letter | axis |
| --- | --- |
| N | events of a chunk, in the order of time |
| S | sessions of a stretch that still go on |
| C | candidates for the next view of a session |
| V | views of the sessions that begin in a stretch |
| I, L | items, leaf categories |
| U, T | users; tastes, of which a user has one at a time |
| A | aspects: what alikeness is seen in, one from the start and one more from each sudden drift |
| F, D | favourite categories of a taste; dimensions of the space of tastes |
"""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from models.events import Action

__all__ = ["ACTIONS", "CODES", "Chunk", "Flags", "Floats", "Ints"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

# An action's code is its place here: what leads to what, so that ties of time stand in that order.
ACTIONS: Final = (
    Action.VIEW_ITEM_LIST,
    Action.VIEW_ITEM,
    Action.ADD_TO_CART,
    Action.REMOVE_FROM_CART,
    Action.PURCHASE,
    Action.REFUND,
)
CODES: Final = {action: code for code, action in enumerate(ACTIONS)}


class Chunk(NamedTuple):
    """Events in the order of time, and the truth of the view that each comes from.

    Attributes
    ----------
    ts
        Milliseconds since the Unix epoch: int64[N].
    user, item
        Numbers from 0: int64[N].
    action
        The place in `ACTIONS`: int64[N].
    view, session
        Numbers from 0 of the view that led to the event, and of the view's session: int64[N].
    position
        The place in the list that was shown, from 0, or -1 where there was none: int64[N].
    view_ts
        The time of the view: int64[N].
    returns
        How often the user's latest views before this one were of the item, 3 at most: int64[N].
    p_cart, p_purchase
        The view's true probabilities to lead to the cart, and to a purchase at any time: float64[N].
    purchase_ts
        When the view leads to a purchase, be it after the shop has closed, or 0 for never: int64[N].
    """

    ts: Ints
    user: Ints
    item: Ints
    action: Ints
    view: Ints
    session: Ints
    position: Ints
    view_ts: Ints
    returns: Ints
    p_cart: Floats
    p_purchase: Floats
    purchase_ts: Ints

    def take(self, which: Ints | Flags | slice) -> "Chunk":
        """Return the events of those places."""
        columns: Any = (column[which] for column in self)
        return Chunk(*columns)

    def ordered(self) -> "Chunk":
        """Return the events by time; ties by view, action and place in the list."""
        return self.take(np.lexsort((self.position, self.action, self.view, self.ts)))

    def doing(self, action: Action) -> "Chunk":
        """Return the events of that action."""
        return self.take(self.action == CODES[action])

    @classmethod
    def joined(cls, chunks: Iterable["Chunk"]) -> "Chunk":
        """Return the events of the chunks, one chunk after the other."""
        columns: Any = (np.concatenate(columns) for columns in zip(*chunks, strict=True))
        return cls(*columns)
