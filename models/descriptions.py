"""Catalog records as numbers: what models and devices can work with."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from models.batch import Longs
from models.events import Item
from models.fingerprint import fingerprint, fingerprints
from models.sentences import SentenceEncoder
from models.sketch import Sketches, sketches

__all__ = ["Descriptions", "brand_of", "category_of"]


class Descriptions(NamedTuple):
    """What the shop says of n items."""

    item: Longs  # int64[n] keys, distinct
    since: Longs  # int64[n], when it was said, in milliseconds since the Unix epoch
    category: Longs  # int64[n] fingerprints of the path, 0 for none
    brand: Longs  # int64[n] fingerprints, 0 for none
    log_price: npt.NDArray[np.float32]  # float32[n], natural, NaN where there is none
    sketch: Sketches  # float32[n, SKETCH]

    @classmethod
    def of(cls, items: Sequence[Item], encoder: SentenceEncoder | None = None) -> "Descriptions":
        """Return the descriptions of items with distinct ids; an encoder is for `sketches`.

        Examples
        --------
        >>> said = Descriptions.of([Item(item_id="i", ts=7, brand="acme", price=1.0)])
        >>> said.since.tolist(), said.log_price.tolist(), said.category.tolist()
        ([7], [0.0], [0])
        """
        return cls(
            item=fingerprints(item.item_id for item in items),
            since=np.array([item.ts for item in items], np.int64),
            category=np.array([category_of(item) for item in items], np.int64),
            brand=np.array([brand_of(item) for item in items], np.int64),
            log_price=np.array([_log_price(item.price) for item in items], np.float32),
            sketch=sketches(items, encoder),
        )


def category_of(item: Item) -> int:
    """Return the fingerprint of an item's whole category path, 0 for none."""
    return fingerprint("/".join(item.category)) if item.category else 0


def brand_of(item: Item) -> int:
    """Return the fingerprint of an item's brand, 0 for none."""
    return fingerprint(item.brand) if item.brand else 0


def _log_price(price: float | None) -> float:
    return math.log(price) if price is not None and 0 < price < math.inf else math.nan
