"""Streams of events as hypothesis draws them: few users and items, many repeats, ties and late arrivals."""

from typing import Any

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from models.batch import ACTIONS, Batch
from models.events import Action, Event
from models.fingerprint import fingerprint
from models.fold import fold
from models.observation import Observations
from models.profile import Profiles

USERS = ("ann", "bob", "eve")
ITEMS = tuple(f"item-{number}" for number in range(8))
START_MS = 1_700_000_000_000
DAY_MS = 86_400_000
# A busy machine is no failure; 30 streams of some hundred events take a second.
LAW = settings(max_examples=30, deadline=None)

# Milliseconds after the start: often the same one, often hours apart, sometimes weeks.
moments = st.one_of(st.integers(0, 3), st.integers(0, 10_000_000), st.integers(0, 4_000_000_000))


@st.composite
def events(draw: st.DrawFn, ids: int = 60) -> Event:
    """Draw an event whose id is one of ``ids``, so that a stream has repeats."""
    user = draw(st.sampled_from(USERS))
    return Event(
        event_id=f"{user}-{draw(st.integers(0, ids - 1))}",
        event=draw(st.sampled_from(ACTIONS)),
        ts=START_MS + draw(moments),
        user_id=user,
        item_id=draw(st.sampled_from(ITEMS)),
        price=draw(st.none() | st.sampled_from((0.0, 1.0, 9.5, 200.0))),
    )


def streams(ids: int = 60, max_size: int = 120) -> st.SearchStrategy[list[Event]]:
    """Return streams of events in the order of arrival."""
    return st.lists(events(ids), max_size=max_size)


@st.composite
def cuts(draw: st.DrawFn, stream: list[Event]) -> list[list[Event]]:
    """Draw a way to cut a stream into batches."""
    places = draw(st.lists(st.integers(0, len(stream)), max_size=6).map(sorted))
    return [stream[start:stop] for start, stop in zip([0, *places], [*places, len(stream)], strict=True)]


def as_batch(stream: list[Event]) -> Batch:
    """Return the columns of a stream, with a catalog of three categories and two brands."""
    number = [ITEMS.index(event.item_id) for event in stream]
    return Batch.of(stream)._replace(
        category=np.array([fingerprint(f"category-{place % 3}") for place in number], dtype=np.int64),
        brand=np.array(
            [fingerprint(f"brand-{place}") if place % 2 else 0 for place in number], dtype=np.int64
        ),
    )


def event(number: int, ts: int = START_MS, **fields: Any) -> Event:
    """Return a look of ann at the first item, but for what is said otherwise."""
    defaults = {"event": Action.VIEW_ITEM, "user_id": "ann", "item_id": "item-0"}
    return Event(event_id=f"e{number}", ts=ts, **{**defaults, **fields})


def folded(*stream: Event) -> tuple[Profiles, Observations]:
    """Return the profiles of all users after a stream, and what it showed."""
    profiles = Profiles(list(USERS))
    return profiles, fold(profiles, as_batch(list(stream)))
