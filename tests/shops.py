"""Made-up shops that several tests share."""

from functools import cache

from producers.shop.columns import Chunk
from producers.shop.plan import ShopPlan
from producers.shop.shop import Shop

SEEDS = range(5)
# Three days with a drift in the middle: about 65,000 events.
PLAN = ShopPlan(users=2_000, items=1_000, days=3.0, views_per_day=20_000.0, drift_at=(1.5,))
# An hour and a bit: enough to compare event by event.
SHORT = ShopPlan(users=2_000, items=1_000, days=0.05, views_per_day=20_000.0)


@cache
def shop(seed: int) -> Shop:
    plan = {name: getattr(PLAN, name) for name in PLAN.__struct_fields__}
    return Shop(ShopPlan(**{**plan, "seed": seed}))


@cache
def traffic(seed: int) -> Chunk:
    """All events of the shop of that seed."""
    return Chunk.joined(shop(seed).chunks())
