"""What the shop says of its items, as far as profiles and lists need it."""

from typing import NamedTuple

import numpy as np

from models.batch import Batch, Longs
from models.events import Item
from models.fingerprint import fingerprint

__all__ = ["Catalog"]


class _Facts(NamedTuple):
    category: int  # fingerprint of the path, 0 for none
    brand: int


_NOTHING = _Facts(0, 0)


class Catalog:
    """Category and brand of items, by the fingerprint of the item id, and which of them are not to be had.

    Examples
    --------
    >>> catalog = Catalog()
    >>> catalog.put(Item(item_id="i", ts=1, brand="acme"))
    >>> len(catalog)
    1
    """

    def __init__(self) -> None:
        self._facts: dict[int, _Facts] = {}
        self._unavailable: set[int] = set()
        self._has_changed = False  # who is unavailable

    def __len__(self) -> int:
        return len(self._facts)

    def put(self, item: Item) -> None:
        """Take in what a record says; it replaces what an earlier one said."""
        category = fingerprint("/".join(item.category)) if item.category else 0
        brand = fingerprint(item.brand) if item.brand else 0
        key = fingerprint(item.item_id)
        self._facts[key] = _Facts(category, brand)
        self._note(key, is_available=item.available is not False)

    def remove(self, item_id: str) -> None:
        """Forget an item that the shop no longer has; until it is described again it is not to be had."""
        key = fingerprint(item_id)
        self._facts.pop(key, None)
        self._note(key, is_available=False)

    def take_unavailable(self) -> Longs | None:
        """Return all items that are not to be had, int64[n]; None if that is as it was at the last call."""
        if not self._has_changed:
            return None
        self._has_changed = False
        return np.fromiter(self._unavailable, np.int64, len(self._unavailable))

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
