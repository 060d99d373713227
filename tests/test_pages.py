"""Laws of the pages of the web port, without Faust and Kafka."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from kafka.partitioner import DefaultPartitioner

from models.answers import Ranked
from models.batch import Batch, Longs
from models.codec import FORGETS
from models.context import Context
from models.events import Action, Event
from models.fingerprint import fingerprint
from models.fold import fold
from models.names import Names
from models.profile import Profiles
from models.ranking import Ranking
from stream.clock import now_ms
from stream.forget_requests import ForgetRequests
from stream.keys import partition_of
from stream.publisher import OffsetRange, Outgoing
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


class Broker:
    """Takes records, unless it is away."""

    def __init__(self, *, is_away: bool = False) -> None:
        self.is_away = is_away
        self.records: list[Any] = []

    async def publish_in_turn(self, topic: str, partition: int, records: list[Outgoing]) -> list[OffsetRange]:
        if self.is_away:
            await asyncio.Event().wait()
        self.records += [(topic, partition, record) for record in records]
        return [OffsetRange(40, 41)]


def deleted(broker: Broker, user: str) -> Any:
    """Return what DELETE is answered with."""
    requests: Any = ForgetRequests(broker, "forget", 4)  # type: ignore[arg-type]
    worker: Any = SimpleNamespace(
        books=SimpleNamespace(requests=requests),
        app=SimpleNamespace(web=SimpleNamespace(json=lambda value, status: (value, status))),
    )
    request: Any = SimpleNamespace(query={})
    return asyncio.run(Pages(worker).forget(request, user))


@pytest.mark.parametrize("user", ["ann", "who/ever é?", "u" * 256])
def test_a_deletion_is_a_record_in_the_partition_of_the_user_once_the_broker_has_it(user: str) -> None:
    broker, partition = Broker(), partition_of(user.encode(), 4)
    place = {"user_id": user, "topic": "forget", "partition": partition, "offset": 40}
    assert deleted(broker, user) == (place, 202)
    ((topic, number, record),) = broker.records
    assert (topic, number, record.key) == ("forget", partition, user.encode())
    assert FORGETS.decode(record.value, record.key, now_ms()).user_id == user


@pytest.mark.parametrize("user", ["", "u" * 257, "é" * 129])
def test_what_is_no_user_id_is_not_deleted(user: str) -> None:
    broker = Broker()
    answer, code = deleted(broker, user)
    assert (code, broker.records) == (400, [])
    assert answer["error"].startswith("user_id: must be 1 to 256 bytes of UTF-8")


def test_a_deletion_that_the_broker_does_not_confirm_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stream.forget_requests._CONFIRM_SECONDS", 0.01)
    answer, code = deleted(Broker(is_away=True), "ann")
    assert (code, answer) == (503, {"error": "Kafka has not confirmed it (no answer): ask again"})


@pytest.mark.parametrize("user", ["ann", "bob", "é", "u" * 256])
def test_a_key_is_in_the_partition_where_a_shops_client_puts_it(user: str) -> None:
    key, numbers = user.encode(), set(range(7))
    cluster = SimpleNamespace(
        topics=lambda: {"clicks"},
        partitions_for_topic=lambda _: numbers,
        available_partitions_for_topic=lambda _: numbers,
    )
    chosen = DefaultPartitioner().partition("clicks", user, key, None, None, cluster)
    assert partition_of(key, 7) == chosen
