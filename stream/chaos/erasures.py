"""Users who were erased, as the forget topic asks for it, and as markers in the changelog say it was done."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

import msgspec

from models.codec import FORGETS
from models.errors import InvalidRecord
from models.events import Decision
from stream.chaos.records import Record
from stream.chaos.sources import Placed
from stream.erasure_markers import ErasureMarkers, user_digest
from stream.store_keys import MARKER

__all__ = ["Asked", "asked_in", "by_partition", "failed_erasures", "names_of_markers", "sifted"]

_decode = msgspec.msgpack.Decoder(Decision).decode


class Asked(NamedTuple):
    """Whose erasure was asked for in a partition, and the newest time for which, in milliseconds."""

    partition: int
    user: str
    ts: int


def asked_in(records: Iterable[Record]) -> list[Asked]:
    """Return what the records of the forget topic ask for, of each user once."""
    newest: dict[tuple[int, str], int] = {}
    for record in records:
        try:
            request = FORGETS.decode(record.value, record.key, record.timestamp)
        except InvalidRecord:
            continue
        place = record.partition, request.user_id
        newest[place] = max(newest.get(place, 0), request.ts or record.timestamp)
    return [Asked(*place, ts) for place, ts in newest.items()]


def names_of_markers(names: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    """Return the markers among names and values of a partition."""
    return {name: value for name, value in names.items() if name.startswith(MARKER)}


def by_partition(changelog: Mapping[tuple[int, bytes], bytes]) -> dict[int, ErasureMarkers]:
    """Return the markers of each partition, from the newest values of the changelog."""
    found: dict[int, ErasureMarkers] = defaultdict(lambda: ErasureMarkers([]))
    for (partition, name), value in changelog.items():
        found[partition].enter({name: value} if name.startswith(MARKER) else {})
    return found


def sifted(events: Iterable[Placed], markers: ErasureMarkers) -> tuple[list[Placed], list[Placed]]:
    """Return the events that count, and those that the erasures of their users have taken back."""
    kept: list[Placed] = []
    gone: list[Placed] = []
    for placed in events:
        is_gone = placed.event.ts <= markers.of(placed.event.user_id).until
        (gone if is_gone else kept).append(placed)
    return kept, gone


def failed_erasures(
    asked: Iterable[Asked],
    markers: Mapping[int, ErasureMarkers],
    events: Mapping[int, Collection[Placed]],
    decisions: Iterable[Record],
) -> list[str]:
    """Return the users whose erasure was not done as asked, or of which no decision tells.

    A user is erased up to the time that was asked for, or up to the newest event that was there.
    """
    decided = {(one.details["partition"], one.details["user"]) for one in _erasures(decisions)}
    wrong = []
    for partition, user, ts in asked:
        found = markers.get(partition, ErasureMarkers([])).of(user)
        times = {placed.event.ts for placed in events.get(partition, ()) if placed.event.user_id == user}
        is_done = found.asked == ts and found.until in {ts} | {time for time in times if time > ts}
        if not is_done or (partition, user_digest(user).hex()) not in decided:
            wrong.append(user)
    return wrong


def _erasures(decisions: Iterable[Record]) -> Iterator[Decision]:
    decoded = (_decode(record.value or b"") for record in decisions)
    return (decision for decision in decoded if decision.kind == "erasure")
