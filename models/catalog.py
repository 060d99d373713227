"""What the shop says of its items, as far as profiles need it."""

from typing import NamedTuple

import numpy as np

from models.batch import Batch
from models.events import Item
from models.fingerprint import fingerprint

__all__ = ["Catalog"]


class _Facts(NamedTuple):
    category: int  # fingerprint of the path, 0 for none
    brand: int


_NOTHING = _Facts(0, 0)


class Catalog:
    """Category and brand of items, by the fingerprint of the item id.

    Examples
    --------
    >>> catalog = Catalog()
    >>> catalog.put(Item(item_id="i", ts=1, brand="acme"))
    >>> len(catalog)
    1
    """

    def __init__(self) -> None:
        self._facts: dict[int, _Facts] = {}

    def __len__(self) -> int:
        return len(self._facts)

    def put(self, item: Item) -> None:
        """Take in what a record says; it replaces what an earlier one said."""
        category = fingerprint("/".join(item.category)) if item.category else 0
        brand = fingerprint(item.brand) if item.brand else 0
        self._facts[fingerprint(item.item_id)] = _Facts(category, brand)

    def remove(self, item_id: str) -> None:
        """Forget an item that the shop no longer has."""
        self._facts.pop(fingerprint(item_id), None)

    def describe(self, batch: Batch) -> Batch:
        """Return the batch with the category and brand of each item, 0 where unknown."""
        if not self._facts:
            return batch
        facts = [self._facts.get(item, _NOTHING) for item in batch.item.tolist()]
        columns = np.array(facts, dtype=np.int64).reshape(-1, 2)  # int64[B, 2]
        return batch._replace(category=columns[:, 0].copy(), brand=columns[:, 1].copy())
