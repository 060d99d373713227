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
        Descriptions taken in so far: whoever keeps something made of them sees by it that there are more.

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

    def find(self, items: Tensor) -> Tensor:
        """Return the row of each item (int64 keys), of the same shape, 0 for what is not described."""
        return self._items.find(items)

    def describe(self, said: Descriptions) -> None:
        """Take in what is said; it replaces what was said before, but for since when something is."""
        columns = {name: torch.from_numpy(column).to(self.device) for name, column in said._asdict().items()}
        items, since = columns.pop("item"), columns.pop("since")
        new = self.find(items) == 0
        rows = self._items.admit(items)
        self._items["since"][rows[new]] = since[new]
        for name, column in columns.items():
            self._items[name][rows] = column
            self._items[name][0] = 0  # where items beyond the limit were written
        self._items["since"][0] = 0
        self.newest = torch.cat([items[new].flip(0), self.newest])[:_NEWEST]
        self.described += len(items)
        self.show(items)
        for table in (self._items, self._categories):
            table.take_changes()  # nobody follows them: what is kept for followers would grow

    def remove(self, items: Longs) -> None:
        """Forget what was said of these items, int64[n]."""
        here = torch.from_numpy(items).to(self.device)
        self._items.evict(torch.unique(self.find(here)))
        self._items.take_changes()

    def show(self, items: Tensor) -> None:
        """Have items (int64[n]) at hand among those of their category: the latest of them are."""
        items = torch.unique(items)
        categories = self._categories.admit(self._items["category"][self.find(items)])  # int64[n]
        shown = (self._categories["items"][categories] == items[:, None]).any(dim=1) | (categories == 0)
        items, categories = items[~shown], categories[~shown]
        place = self._categories["next"][categories] + ranks_among_equals(categories)
        self._categories["items"][categories, place % _SHOWN] = items
        self._categories["next"].index_add_(0, categories, torch.ones_like(categories))

    def of_category(self, rows: Tensor) -> Tensor:
        """Return the items at hand of the categories of rows (int64[B]), int64[B, S] keys, 0 for none."""
        return self._categories["items"][self._categories.find(self._items["category"][rows])]
