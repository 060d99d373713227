"""What is popular or new among the described items: the same for all users."""

import torch
from torch import Tensor

from models.stock import Stock

__all__ = ["Pool"]


class Pool:
    """The described items that are popular or new, as they were when it was put together.

    Parameters
    ----------
    stock
        Has the descriptions, and what is new.
    popular
        int64[n] keys.

    Attributes
    ----------
    items, since, sketch
        int64[N] keys, since when each is described in milliseconds since the Unix epoch, and their sketches,
        float32[N, SKETCH].
    """

    def __init__(self, stock: Stock, popular: Tensor) -> None:
        keys = torch.unique(torch.cat([stock.newest, popular]))
        keys = keys[~stock.unavailable.among(keys)]
        rows = stock.find(keys)
        self.items, rows = keys[rows != 0], rows[rows != 0]
        self.since, self.sketch = stock.take("since", rows), stock.take("sketch", rows)
        self._stock, self._described = stock, stock.described

    @property
    def has_all_new(self) -> bool:
        """Whether nothing was described since it was put together."""
        return self._described == self._stock.described
