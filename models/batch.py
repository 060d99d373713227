"""A batch of events as columns, and the letters of all shapes in ``models``.

| letter | axis |
| --- | --- |
| B | events of a batch, in the order in which they are folded |
| M | events of a batch that were kept: no repeats |
| U | users, one row each |
| R | rows of one round: users, each with one event |
| H | actions of a user's history, newest first |
| K | items of a recommendation, best first |
| N | items of the catalog |
| D | dimensions of an embedding |
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from models.events import Action, Event
from models.fingerprint import fingerprints

__all__ = ["ACTIONS", "CODE_OF", "IS_ORDER", "TAKES_BACK", "Batch", "Bools", "Bytes", "Floats", "Longs"]

Longs = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]
Bools = npt.NDArray[np.bool_]

# An action's code is 1 + its place here; 0 is none. Codes are stored: append, never reorder.
ACTIONS: Final = (
    Action.VIEW_ITEM_LIST,
    Action.SELECT_ITEM,
    Action.VIEW_ITEM,
    Action.ADD_TO_WISHLIST,
    Action.ADD_TO_CART,
    Action.REMOVE_FROM_CART,
    Action.BEGIN_CHECKOUT,
    Action.PURCHASE,
    Action.REFUND,
)
CODE_OF: Final = {action: code for code, action in enumerate(ACTIONS, start=1)}
# bool[1 + actions], by code.
IS_ORDER: Final = np.array([False, *(action.is_order for action in ACTIONS)])
TAKES_BACK: Final = np.array([False, *(action.takes_back for action in ACTIONS)])

_NO_PRICE: Final = float("nan")
_MAX_PRICE: Final = float(np.finfo(np.float32).max)


class Batch(NamedTuple):
    """Columns of B events; every int64 id is a `fingerprint`, 0 for none.

    ``event_key`` is of the event id; ``action`` holds codes (`ACTIONS`); ``ts`` is event time in
    milliseconds since the Unix epoch; ``price`` is NaN where there is none. ``category`` and ``brand`` come
    from the catalog and are 0 until the caller fills them: ``batch._replace(category=...)``.

    Examples
    --------
    >>> event = Event(event_id="e1", event=Action.PURCHASE, ts=7, user_id="u", item_id="i", price=9.5)
    >>> batch = Batch.of([event])
    >>> batch.user, batch.action.tolist(), batch.price.tolist()
    (['u'], [8], [9.5])
    """

    user: list[str]
    item: Longs  # int64[B]
    event_key: Longs  # int64[B]
    action: Bytes  # uint8[B]
    ts: Longs  # int64[B]
    price: Floats  # float32[B]
    category: Longs  # int64[B]
    brand: Longs  # int64[B]

    @classmethod
    def of(cls, events: Sequence[Event]) -> "Batch":
        """Return the columns of events, in their order; category and brand are 0."""
        prices = [_NO_PRICE if event.price is None else event.price for event in events]
        unknown = np.zeros(len(events), dtype=np.int64)
        return cls(
            user=[event.user_id for event in events],
            item=fingerprints(event.item_id for event in events),
            event_key=fingerprints(event.event_id for event in events),
            action=np.array([CODE_OF[event.event] for event in events], dtype=np.uint8),
            ts=np.array([event.ts for event in events], dtype=np.int64),
            price=np.clip(prices, -_MAX_PRICE, _MAX_PRICE).astype(np.float32),
            category=unknown,
            brand=unknown,
        )
