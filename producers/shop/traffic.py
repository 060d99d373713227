"""The made-up shop as what a replay publishes."""

from collections.abc import Iterator

import msgspec

from models.events import Event, Item
from producers.reading import Reading
from producers.shop.plan import ShopPlan
from producers.shop.shop import Shop
from producers.source import Gone

__all__ = ["Traffic"]


class Traffic(msgspec.Struct, frozen=True):
    """The records of a shop, made up anew in each process that reads them."""

    plan: ShopPlan

    def read(self, reading: Reading, *, loop: bool = False) -> Iterator[Event | Item | Gone]:
        """Yield the shop's records until it closes."""
        del loop  # a shop is open for as many days as its plan says
        reading.expect(self.plan.start, self.plan.end)
        for record in Shop(self.plan).records():
            if isinstance(record, Event):
                reading.accept(record.ts)
            yield record
