"""What is known of users: as the sources tell it, as a changelog holds it, as a worker's folder keeps it."""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from faust.types import TP
from msgspec import convert
from shop import Shop

from models.batch import Batch
from models.events import Event
from models.fold import fold
from models.profile import Profiles
from models.seen import BLOCK
from stream.log_reader import LogReader
from stream.profiles import ProfileStore
from stream.restoration import Restoration

_START = 1_760_000_000_000
_ACTIONS = ("view_item", "view_item", "add_to_cart", "purchase")
PARTITIONS = 4


class Facts(NamedTuple):
    """What a user's profile says, whatever the order in which the events came."""

    events: int
    ids: frozenset[int]
    actions: list[list[int]]
    lines: list[list[int]]


def traffic(numbers: Iterable[int], users: int = 60) -> Iterator[dict[str, Any]]:
    """Events of so many users on both topics, one second apart, so that no two of a user have one time."""
    for number in numbers:
        yield {
            "event_id": f"e{number}",
            "event": _ACTIONS[number % len(_ACTIONS)],
            "ts": _START + 1000 * number,
            "user_id": f"user-{number * number % users}",
            "item_id": f"item-{number % 37}",
        }


def facts_of(events: Iterable[dict[str, Any]]) -> dict[str, Facts]:
    """The users' facts as the pure fold of their events has them, each event once."""
    unique = {event["event_id"]: convert(event, Event) for event in events}
    stream = sorted(unique.values(), key=lambda event: event.ts)
    profiles = Profiles(sorted({event.user_id for event in stream}))
    for start in range(0, len(stream), BLOCK):
        fold(profiles, Batch.of(stream[start : start + BLOCK]))
    return _facts(profiles)


def kept_in(folder: Path, users: Iterable[str]) -> dict[str, Facts]:
    """The users' facts as the store of a worker that has stopped keeps them, in whatever partition."""
    store = ProfileStore(folder)
    try:
        return _kept(store, sorted(users))
    finally:
        store.close()


def logged(shop: Shop, users: Iterable[str]) -> dict[str, Facts]:
    """The users' facts as one who has nothing but the changelog would have them."""
    with _restored(shop) as store:
        return _kept(store, sorted(users))


@contextmanager
def _restored(shop: Shop) -> Iterator[ProfileStore]:
    with TemporaryDirectory() as folder:
        store = ProfileStore(Path(folder) / "profiles")
        asyncio.run(_restore(shop, store))
        yield store
        store.close()


async def _restore(shop: Shop, store: ProfileStore) -> None:
    tps = [TP(shop.topic("profiles"), partition) for partition in range(PARTITIONS)]
    async with LogReader({"bootstrap_servers": shop.broker}, tps) as reader:
        for tp, end in (await reader.ends(tps)).items():
            restoration = Restoration(store, tp, "log", end)
            async for records in reader.read(tp, 0, end):
                assert restoration.add(records)


def _kept(store: ProfileStore, users: list[str]) -> dict[str, Facts]:
    found: dict[str, Facts] = {}
    for partition in range(PARTITIONS):
        facts = _facts(store.load(partition, users))
        found |= {user: known for user, known in facts.items() if known.events}
    return found


def _facts(profiles: Profiles) -> dict[str, Facts]:
    return {user: _fact(profiles, row) for row, user in enumerate(profiles.users)}


def _fact(profiles: Profiles, row: int) -> Facts:
    recent = profiles.recent[row].tolist()
    blocks = profiles.blocks[row][:, :BLOCK].ravel().tolist() if row in profiles.blocks else []
    return Facts(
        int(profiles.events[row]),
        frozenset([*recent, *blocks]) - {0},
        profiles.actions.entries[row].tolist(),
        profiles.lines.entries[row].tolist(),
    )
