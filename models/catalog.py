"""What the shop says of its items, as far as profiles and lists need it."""

from typing import NamedTuple

import numpy as np

from models.batch import Batch, Longs
from models.descriptions import brand_of, category_of
from models.events import Item
from models.fingerprint import fingerprint

__all__ = ["Catalog", "News"]


class _Facts(NamedTuple):
    category: int  # fingerprint of the path, 0 for none
    brand: int


_NOTHING = _Facts(0, 0)


class News(NamedTuple):
    """What the shop has said since one last asked."""

    described: list[Item]  # with distinct ids
    removed: Longs  # int64[n] keys, none of them described since
    unavailable: Longs | None  # int64[n] keys of all that are not to be had; None if they are as they were


class Catalog:
    """Category and brand of items, by the fingerprint of the item id, and what is new of the shop's items.

    Examples
    --------
    >>> catalog = Catalog()
    >>> catalog.put(Item(item_id="i", ts=1, brand="acme"))
    >>> len(catalog)
    1
    """

    def __init__(self) -> None:
        self._facts: dict[int, _Facts] = {}
        self._described: dict[int, Item] = {}
        self._removed: set[int] = set()
        self._unavailable: set[int] = set()
        self._has_changed = False  # who is unavailable

    def __len__(self) -> int:
        return len(self._facts)

    def put(self, item: Item) -> None:
        """Take in what a record says; it replaces what an earlier one said."""
        key = fingerprint(item.item_id)
        self._facts[key] = _Facts(category_of(item), brand_of(item))
        self._described[key] = item
        self._removed.discard(key)
        self._note(key, is_available=item.available is not False)

    def remove(self, item_id: str) -> None:
        """Forget an item that the shop no longer has; until it is described again it is not to be had."""
        key = fingerprint(item_id)
        self._facts.pop(key, None)
        self._described.pop(key, None)
        self._removed.add(key)
        self._note(key, is_available=False)

    def take_news(self) -> News | None:
        """Return what has been said since the last call, None where nothing was."""
        if not (self._described or self._removed or self._has_changed):
            return None
        unavailable = _keys(self._unavailable) if self._has_changed else None
        news = News(list(self._described.values()), _keys(self._removed), unavailable)
        self._described, self._removed, self._has_changed = {}, set(), False
        return news

    def _note(self, key: int, *, is_available: bool) -> None:
        if (key in self._unavailable) is is_available:
            self._has_changed = True
            (self._unavailable.discard if is_available else self._unavailable.add)(key)

    def describe(self, batch: Batch) -> Batch:
        """Return the batch with the category and brand of each item, 0 where unknown."""
        if not self._facts:
            return batch
        facts = [self._facts.get(item, _NOTHING) for item in batch.item.tolist()]
        columns = np.array(facts, dtype=np.int64).reshape(-1, 2)  # int64[B, 2]
        return batch._replace(category=columns[:, 0].copy(), brand=columns[:, 1].copy())


def _keys(keys: set[int]) -> Longs:
    return np.fromiter(keys, np.int64, len(keys))
