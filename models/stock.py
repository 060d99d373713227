"""What the shop says of its items, on the model's device: its word, and no part of what is learnt."""

from typing import Final

import torch
from torch import Tensor

from models.batch import Longs
from models.descriptions import Descriptions
from models.index import ranks_among_equals
from models.sketch import SKETCH
from models.table import Column, Table
from models.unavailable import Unavailable

__all__ = ["Stock"]

# Items of a category that are at hand: half as many cost 1.4 % of the hit rate of one log, twice as many gain
# nothing.
_SHOWN: Final = 64
# Items described last that are at hand: what comes in at once from a new supplier.
_NEWEST: Final = 1024


class Stock:
    """Descriptions by item, the items of a category that were last described or wanted, and what is sold out.

    Parameters
    ----------
    limit
        The most items it holds descriptions of; those beyond are passed over.
    device
        Where it lives.

    Attributes
    ----------
    limit, device
        What it was given.
    unavailable
        What no list may hold.
    newest
        int64[N] keys of the items described last.
    described
        Descriptions taken in or removed so far: whoever keeps something made of them sees by it that they are
        others.

    Examples
    --------
    >>> from models.events import Item
    >>> stock = Stock(10, torch.device("cpu"))
    >>> stock.describe(Descriptions.of([Item(item_id="i", ts=7, category=("a", "b"))]))
    >>> row = stock.find(stock.newest)
    >>> bool((stock.of_category(row)[0, 0] == stock.newest[0]).all()), stock["since"][row].tolist()
    (True, [7])
    """

    def __init__(self, limit: int, device: torch.device) -> None:
        self.limit, self.device = limit, device
        self.unavailable = Unavailable(device)
        self.newest = torch.zeros(0, dtype=torch.int64, device=device)
        self.described = 0
        whole, many = Column((), torch.int64), Column((_SHOWN,), torch.int64)
        columns = {"since": whole, "category": whole, "brand": whole}
        columns |= {"log_price": Column(), "sketch": Column((SKETCH,))}
        self._items = Table(columns, limit, device, seed=0)
        # A category is a row with a ring of items, of which `next` is written next.
        self._categories = Table({"items": many, "next": whole}, limit, device, seed=0)

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, name: str) -> Tensor:
        """Return a column of the descriptions over all rows, row 0 for what is not described: a view."""
        return self._items[name]

    def take(self, name: str, rows: Tensor) -> Tensor:
        """Return a column of rows (int64[...]), [..., *shape]: a copy."""
        return self._items.take(name, rows)

    def find(self, items: Tensor) -> Tensor:
        """Return the row of each item (int64 keys), of the same shape, 0 for what is not described."""
        return self._items.find(items)

    def describe(self, said: Descriptions) -> None:
        """Take in what is said; it replaces what was said before, but for since when something is."""
        columns = {name: torch.from_numpy(column).to(self.device) for name, column in said._asdict().items()}
        items, since = columns.pop("item"), columns.pop("since")
        known = self.find(items)
        rows = self._items.admit(items)
        new = (known == 0) & (rows != 0)
        moved = new | (self._items["category"][known] != columns["category"])
        self._items["since"][rows[new]] = since[new]
        for name, column in columns.items():
            self._items[name][rows] = column
            self._items[name][0] = 0  # where items beyond the limit were written
        self._items["since"][0] = 0
        self._items["log_price"][0] = torch.nan
        self.newest = torch.cat([items[new].flip(0), self.newest])[:_NEWEST]
        self.described += len(items)
        self.show(items[moved])
        for table in (self._items, self._categories):
            table.take_changes()  # nobody follows them: what is kept for followers would grow

    def remove(self, items: Longs) -> None:
        """Forget what was said of these items, int64[n]."""
        here = torch.from_numpy(items).to(self.device)
        self._items.evict(torch.unique(self.find(here)))
        self.described += len(items)
        self._items.take_changes()

    def show(self, items: Tensor) -> None:
        """Have items (int64[n], the latest last) at hand among those of their category."""
        items, place = torch.unique(items, return_inverse=True)
        last = torch.zeros_like(items).scatter_reduce_(0, place, torch.arange(len(place)).to(place), "amax")
        items = items[last.argsort(descending=True)]  # the latest first
        categories = self._categories.admit(self._items["category"][self.find(items)])  # int64[n]
        fresh = ~(self._categories["items"][categories] == items[:, None]).any(dim=1) & (categories != 0)
        items, categories = items[fresh], categories[fresh]
        nth = ranks_among_equals(categories)
        items, categories, nth = (column[nth < _SHOWN] for column in (items, categories, nth))
        self._categories["items"][categories, (self._categories["next"][categories] + nth) % _SHOWN] = items
        self._categories["next"].index_add_(0, categories, torch.ones_like(categories))

    def of_category(self, rows: Tensor) -> Tensor:
        """Return the items at hand of the categories of rows (int64[B]), int64[B, S] keys, 0 for none."""
        return self._categories.take("items", self._categories.find(self._items.take("category", rows)))
