"""Events and catalog records of the made-up shop, as the topics know them."""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final, NamedTuple
from zlib import crc32

import msgspec
import numpy as np

from models.events import Action, Event, Item
from producers.shop.columns import ACTIONS, CODES, Chunk
from producers.shop.plan import HOUR_MS, ShopPlan
from producers.shop.stock import Stock
from producers.shop.truth import Truth
from producers.shop.words import Words
from producers.source import Gone

__all__ = ["Names", "Records"]

# The events of a view are told apart by a letter.
_LETTERS: Final = ("l", "v", "c", "x", "p", "r")
_LIST, _VIEW, _PURCHASE = (
    CODES[action] for action in (Action.VIEW_ITEM_LIST, Action.VIEW_ITEM, Action.PURCHASE)
)
# So much later than its view an event is of no session any more.
_SESSION_MS: Final = HOUR_MS // 2


class Names:
    """The ids of a shop's users, items and events; an item's id says nothing of it.

    Event ids begin with a hash of the plan, so that only the same shop repeats them.

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


class Records:
    """Turns columns into records.

    Parameters
    ----------
    truth
        The shop.
    """

    def __init__(self, truth: Truth) -> None:
        self._stock = truth.stock
        self._names, self._words = Names(truth.plan), Words(truth.plan, truth.stock)
        self._prices: list[float] = truth.stock.price.tolist()

    def of(self, chunks: Iterable[Chunk]) -> Iterator[Event | Item | Gone]:
        """Yield the chunks' events, and each catalog record at its time."""
        changes = _changes(self._stock)
        change = next(changes)
        for chunk in chunks:
            for event in self._events(chunk):
                while change.ts <= event.ts:
                    yield self._catalog_record(change)
                    change = next(changes)
                yield event

    def item(self, number: int) -> Item:
        """Return what the shop says of the item as long as it is there."""
        wording = self._words.of(number)
        return Item(
            item_id=self._names.items[number],
            ts=int(self._stock.birth[number]),
            title=wording.title,
            description=wording.description,
            category=wording.category,
            brand=wording.brand,
            price=self._prices[number],
        )

    def _catalog_record(self, change: "_Change") -> Item | Gone:
        if change.is_birth:
            return self.item(change.item)
        if change.item % 2:
            return Gone(self._names.items[change.item], change.ts)
        return msgspec.structs.replace(self.item(change.item), ts=change.ts, available=False)

    def _events(self, chunk: Chunk) -> Iterator[Event]:
        names, items, prices = self._names, self._names.items, self._prices
        tag = names.tag
        for ts, user, item, action, view, session, position, view_ts in zip(
            *(column.tolist() for column in chunk[:8]), strict=True
        ):
            yield Event(
                event_id=names.event(action, view, position),
                event=ACTIONS[action],
                ts=ts,
                user_id=f"u{user}",
                item_id=items[item],
                session_id=f"{tag}-s{session}" if ts < view_ts + _SESSION_MS else None,
                quantity=1 if action >= _PURCHASE else None,
                price=prices[item],
                order_id=f"{tag}-o{view}" if action >= _PURCHASE else None,
                position=position if position >= 0 and action <= _VIEW else None,
            )


class _Change(NamedTuple):
    ts: int
    item: int
    is_birth: bool


def _changes(stock: Stock) -> Iterator[_Change]:
    """Yield what comes and goes, in the order of time, and at last what never happens."""
    births = (_Change(ts, item, is_birth=True) for item, ts in enumerate(stock.birth.tolist()))
    deaths = (_Change(ts, item, is_birth=False) for item, ts in enumerate(stock.death.tolist()))
    yield from sorted(chain(births, deaths))
