"""The made-up shop: its traffic in the order of time, and the truth behind it."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from models.events import Event, Item
from producers.shop.columns import Chunk
from producers.shop.outcomes import Numbers, outcomes
from producers.shop.plan import ShopPlan
from producers.shop.records import Records
from producers.shop.truth import Truth
from producers.shop.visits import Visits, stretch_ms
from producers.source import Gone

__all__ = ["Shop"]

_CHUNK: Final = 8_192


class Shop:
    """Made-up traffic whose truth is known; the same plan gives the same traffic, as often as it is asked.

    Memory is bounded by the plan's users and items, and by what is bought and sent back later.

    Attributes
    ----------
    plan
        What the shop is like.
    truth
        Its true probabilities, best items and drift times.

    Examples
    --------
    >>> shop = Shop(ShopPlan(users=50, items=40, days=0.1, views_per_day=1000.0))
    >>> sum(len(chunk.ts) for chunk in shop.chunks()) > 50
    True
    >>> type(next(shop.records())).__name__
    'Item'
    """

    def __init__(self, plan: ShopPlan) -> None:
        self.plan = plan
        self.truth = Truth(plan)

    def chunks(self, size: int = _CHUNK) -> Iterator[Chunk]:
        """Yield all events as columns, so many at a time; how many makes no difference to them."""
        held: list[Chunk] = []
        count = 0
        for stretch in self._stretches():
            held.append(stretch)
            count += len(stretch.ts)
            if count < size:
                continue
            whole = Chunk.joined(held)
            cut = count - count % size
            yield from (whole.take(slice(at, at + size)) for at in range(0, cut, size))
            held, count = [whole.take(slice(cut, None))], count - cut
        if count:
            yield Chunk.joined(held)

    def records(self, limit: int | None = None) -> Iterator[Event | Item | Gone]:
        """Yield all events and catalog records in the order of time, until so many of them were events.

        What the shop has at the start comes first; each later item comes when it is born. An item that
        goes is not available any more, or its record is deleted.
        """
        events = 0
        for record in Records(self.truth).of(self.chunks()):
            yield record
            events += isinstance(record, Event)
            if events == limit:
                return

    def _stretches(self) -> Iterator[Chunk]:
        """Yield the events of one stretch of time after the other, in order."""
        plan, visits, length = self.plan, Visits(self.truth), stretch_ms(self.plan)
        numbers, waiting = Numbers(0, 0), None
        for since in range(plan.start, plan.end, length):
            rng = np.random.default_rng((plan.seed, 4, since - plan.start))
            until = min(since + length, plan.end)
            views = visits.draw(rng, since, until)
            found = outcomes(rng, self.truth, views, numbers)
            numbers = numbers.after(views)
            whole = Chunk.joined((waiting, found)) if waiting is not None else found
            waiting = whole.take((whole.ts >= until) & (whole.ts < plan.end))
            yield whole.take(whole.ts < until).ordered()
