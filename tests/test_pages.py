"""Laws of the pages of the web port, without Faust and Kafka."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from models.answers import Ranked
from models.batch import Batch, Longs
from models.context import Context
from models.events import Action, Event
from models.fingerprint import fingerprint
from models.fold import fold
from models.names import Names
from models.profile import Profiles
from models.ranking import Ranking
from stream.settings import Settings
from stream.web import Pages

NOW = 1_700_000_000_000


class SilentBrain:
    """Recommends nothing, and remembers what it was told not to."""

    def __init__(self) -> None:
        self.banned: Longs

    async def rank(self, context: Context, banned: Longs, k: int) -> Ranked:
        self.banned = banned
        items = torch.zeros(len(context.items), k, dtype=torch.int64)
        return Ranked.of(Ranking(items, items.float(), items.to(torch.uint8)))


def profile(*stream: tuple[Action, str]) -> Profiles:
    """Return the profile of a user who did these things one after the other."""
    profiles = Profiles(["ann"])
    done = [
        Event(event_id=f"e{n}", event=action, ts=NOW + n, user_id="ann", item_id=item)
        for n, (action, item) in enumerate(stream)
    ]
    fold(profiles, Batch.of(done))
    return profiles


def banned(profiles: Profiles, *, hide_bought: bool) -> set[str]:
    """Return which of hat and coat a user's page does not recommend."""
    brain: Any = SilentBrain()
    worker: Any = SimpleNamespace(
        brain=brain,
        settings=Settings(hide_bought=hide_bought),
        names=Names(),
        store=SimpleNamespace(load=lambda *_: profiles),
        app=SimpleNamespace(web=SimpleNamespace(json=lambda value, status: (value, status))),
    )
    request: Any = SimpleNamespace(query={})
    answer: Any = asyncio.run(Pages(worker).recommendations(request, "ann"))
    assert answer == ({"user_id": "ann", "items": []}, 200)
    return {item for item in ("hat", "coat") if fingerprint(item) in brain.banned}


@pytest.mark.parametrize("action", [Action.VIEW_ITEM, Action.REMOVE_FROM_CART])
def test_a_users_page_leaves_out_the_item_of_the_newest_action_whatever_it_was(action: Action) -> None:
    done = profile((Action.VIEW_ITEM, "coat"), (action, "hat"))
    assert banned(done, hide_bought=False) == {"hat"}


def test_a_users_page_leaves_out_what_was_bought_where_the_shop_wants_it() -> None:
    done = profile((Action.PURCHASE, "coat"), (Action.VIEW_ITEM, "hat"))
    assert banned(done, hide_bought=True) == {"hat", "coat"}
    assert banned(done, hide_bought=False) == {"hat"}
