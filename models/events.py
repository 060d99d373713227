"""The records that come in and go out, as frozen structs.

Every form is a msgpack map; a JSON object of the same fields is read as well (``models.codec``).
"""

import enum
from typing import Annotated, Any, Final, Literal

import msgspec

__all__ = ["Action", "Decision", "Event", "Forget", "Item", "RankedItem", "Recommendation", "Review"]

# 1 to 256 bytes of UTF-8; a character is at least a byte, the codec counts the bytes of the others.
MAX_ID_BYTES = 256
Id = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_ID_BYTES)]
# A shop's own identifier that Headrace only carries along.
Note = Annotated[str, msgspec.Meta(max_length=MAX_ID_BYTES)]
# What msgpack and every consumer can hold; JSON alone would let a number have any length.
MAX_INT64: Final = 2**63 - 1
Whole = Annotated[int, msgspec.Meta(ge=-MAX_INT64, le=MAX_INT64)]
Place = Annotated[int, msgspec.Meta(ge=0, le=MAX_INT64)]
# Milliseconds since the Unix epoch, event time.
Millis = Annotated[int, msgspec.Meta(gt=0, le=MAX_INT64)]


class Action(enum.StrEnum):
    """What the user did, in the words of Google Analytics 4.

    Examples
    --------
    >>> Action("pv") is Action.VIEW_ITEM
    True
    """

    VIEW_ITEM_LIST = "view_item_list"
    SELECT_ITEM = "select_item"
    VIEW_ITEM = "view_item"
    ADD_TO_WISHLIST = "add_to_wishlist"
    ADD_TO_CART = "add_to_cart"
    REMOVE_FROM_CART = "remove_from_cart"
    BEGIN_CHECKOUT = "begin_checkout"
    PURCHASE = "purchase"
    REFUND = "refund"

    __hash__ = str.__hash__  # of Enum's own, in Python, a batch would feel a thousand

    @classmethod
    def _missing_(cls, value: object) -> "Action | None":
        return _ALIASES.get(value)

    @property
    def is_order(self) -> bool:
        """Whether it belongs on the ``purchases`` topic."""
        return self in _ORDERS

    @property
    def takes_back(self) -> bool:
        """Whether it undoes an interest: neither scored nor the user's latest item."""
        return self in _TAKES_BACK


_ORDERS = frozenset({Action.PURCHASE, Action.REFUND})
_TAKES_BACK = frozenset({Action.REMOVE_FROM_CART, Action.REFUND})
_ALIASES: dict[object, Action] = {
    "view": Action.VIEW_ITEM,
    "click": Action.VIEW_ITEM,
    "pv": Action.VIEW_ITEM,
    "fav": Action.ADD_TO_WISHLIST,
    "cart": Action.ADD_TO_CART,
    "addtocart": Action.ADD_TO_CART,
    "buy": Action.PURCHASE,
    "transaction": Action.PURCHASE,
    "order": Action.PURCHASE,
}


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """One thing one user did with one item; ``purchase`` and ``refund`` are one an order line.

    ``ts`` is event time in milliseconds since the Unix epoch. ``recommendation_id`` and ``position``
    say which recommendation led here. ``v`` is the schema version.
    """

    event_id: Id
    event: Action
    ts: Millis
    user_id: Id
    item_id: Id
    session_id: Note | None = None
    quantity: Whole | float | None = None
    price: float | None = None
    order_id: Note | None = None
    recommendation_id: Note | None = None
    position: Place | None = None
    v: Literal[1] = 1


class Item(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the shop says of an item; ``category`` is a path, root first."""

    item_id: Id
    ts: Millis
    title: str | None = None
    description: str | None = None
    category: tuple[str, ...] = ()
    brand: str | None = None
    price: float | None = None
    available: bool = True
    attributes: dict[str, Any] = {}


class Review(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a user wrote of an item; ``rating`` is 1 to 5."""

    review_id: Id
    user_id: Id
    item_id: Id
    ts: Millis
    rating: Annotated[float, msgspec.Meta(ge=1, le=5)] | None = None
    text: str | None = None


class Forget(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A request to erase all that is known of one user, and what the user does up to ``ts``.

    Without ``ts`` that is the time of the request's own record.
    """

    user_id: Id
    ts: Millis | None = None


class RankedItem(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One place of a recommendation; ``source`` names the scorer that put the item there."""

    item_id: str
    score: float
    source: str
    p_cart: float | None = None
    p_purchase: float | None = None


class Recommendation(msgspec.Struct, frozen=True, kw_only=True):
    """The items for one user after one event, best first.

    ``ts`` is when it was made; ``event_id`` and ``event_ts`` are of the event that led to it. All times
    are milliseconds since the Unix epoch.
    """

    recommendation_id: str
    user_id: str
    ts: int
    event_id: str
    event_ts: int
    model_version: int
    items: list[RankedItem]


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What the system decided and why: alarms, retrains, promotions, rollbacks, erasures."""

    kind: str
    ts: int
    reason: str
    details: dict[str, Any] = {}
