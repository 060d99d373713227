"""Chunks of event records as they arrive from Kafka, without Kafka."""

from types import SimpleNamespace

from faust.types import TP

from models.codec import encode
from models.events import Action, Event
from stream.chunks import Chunk, RawRecord

__all__ = ["BAD", "NOW", "chunk", "record", "times"]

NOW = 1_700_000_000_000
BAD = -1  # in a list of times: a record that cannot be read


def record(offset: int, event: Event | None) -> RawRecord:
    """Return a record of an event, or one that is none."""
    key, value = (b"ann", b"garbage") if event is None else (event.user_id.encode(), encode(event))
    return SimpleNamespace(offset=offset, key=key, value=value, timestamp=NOW + offset, headers=())


def chunk(tp: TP, first_offset: int, ts: list[int], epoch: int = 1) -> Chunk:
    """Return a chunk of events of one user at these times, which follow one another in the log."""
    records = []
    for offset, time in enumerate(ts, start=first_offset):
        name = f"{tp.topic}-{offset}"
        event = (
            Event(event_id=name, event=Action.VIEW_ITEM, ts=time, user_id="ann", item_id="hat")
            if time > 0
            else None
        )
        records.append(record(offset, event))
    return Chunk(tp, records, epoch)


def times(events: list[Event]) -> list[int]:
    """Return the times of events."""
    return [event.ts for event in events]
