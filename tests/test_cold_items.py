"""Items that nobody has met are foreseen by what the shop says of them."""

from collections.abc import Iterator
from contextlib import closing

from models.events import Event, Item
from models.examples import Examples
from models.fingerprint import fingerprint
from models.metrics import MISSED, NOT_SCORED
from producers.shop.plan import ShopPlan
from producers.shop.shop import Shop
from stream.brain import Brain
from stream.evaluation import Evaluation
from stream.settings import Settings

EVENTS = 12_000
# A third of the items come in while the shop is open.
PLAN = ShopPlan(seed=5, users=1_000, items=1_500, days=1.5, views_per_day=8_000.0, births=0.3, deaths=0.0)
NOW = 2_000_000_000_000


class Newborn:
    """Whether the first events of items that came in after the first event were foreseen."""

    def __init__(self) -> None:
        self.described: set[int] = set()
        self._met: set[int] = set()
        self.foreseen: list[bool] = []

    def records(self) -> Iterator[Event | Item]:
        """Yield what the shop says and what happens in it."""
        events = 0
        for record in Shop(PLAN).records():
            if isinstance(record, Event):
                events += 1
                yield record
            elif isinstance(record, Item):
                if events:
                    self.described.add(fingerprint(record.item_id))
                yield record
            if events == EVENTS:
                return

    def watch(self, examples: Examples) -> None:
        """Note how those of a batch were foreseen."""
        for item, rank in zip(examples.item.tolist(), examples.rank.tolist(), strict=True):
            if item in self.described - self._met and rank != NOT_SCORED:
                self.foreseen.append(rank != MISSED)
            self._met.add(item)


def foreseen(*without: str) -> list[bool]:
    """Return whether each first event of a newborn item was foreseen, by a model without some scorers."""
    newborn = Newborn()
    with closing(Brain(Settings(device="cpu", batch=64), without)) as brain:
        learn = brain.test_and_learn

        async def watched(examples: Examples) -> float:
            newborn.watch(examples)
            return await learn(examples)

        brain.test_and_learn = watched  # type: ignore[method-assign]
        Evaluation(brain, Settings(device="cpu", batch=64), NOW).run(newborn.records())
    return newborn.foreseen


def test_newborn_items_are_foreseen_by_their_descriptions_alone() -> None:
    with_content, without = foreseen(), foreseen("content")
    assert len(with_content) == len(without) > 100
    assert not any(without)  # nothing else could know them
    assert sum(with_content) / len(with_content) > 0.05
