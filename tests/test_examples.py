"""Laws of training examples: what an event teaches, and how runs of them are cut and joined."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from lessons import examples
from states import same, state_of
from strategies import USERS, as_batch, streams

from models.context import Context
from models.events import Event
from models.examples import NOBODY, Examples, examples_of, is_too_much, no_examples
from models.fingerprint import fingerprint
from models.fold import fold
from models.metrics import MISSED, NOT_SCORED
from models.profile import Profiles

CPU = torch.device("cpu")


@given(st.integers(0, 40), st.integers(1, 50))
def test_steps_are_the_same_examples_in_order(count: int, size: int) -> None:
    whole = examples(count, 3, CPU)
    steps = whole.steps(size)
    assert all(len(step.item) <= size for step in steps)
    assert same(state_of(Examples.join(steps)), state_of(whole))


def test_no_examples_are_examples() -> None:
    assert same(state_of(Examples.join([no_examples(), examples(4, 1, CPU)])), state_of(examples(4, 1, CPU)))


@settings(max_examples=40)
@given(streams(ids=500))
def test_every_event_that_takes_nothing_back_teaches_what_was_before_it(stream: list[Event]) -> None:
    batch, profiles = as_batch(stream), Profiles(list(USERS))
    seen = fold(profiles, batch, 50)
    served = np.array([[fingerprint("item-0"), fingerprint("item-1")]] * len(seen.kept)).reshape(-1, 2)
    learnt = examples_of(batch, seen, served, profiles.pseudonym[seen.user_row])
    kept = [(at, stream[event]) for at, event in enumerate(seen.kept) if not stream[event].event.takes_back]
    before = Context.of(*seen.before)
    places = {"item-0": 1, "item-1": 2}
    assert learnt.item.tolist() == [fingerprint(event.item_id) for _, event in kept]
    assert learnt.who.tolist() == [profiles.pseudonym[profiles.row_of[event.user_id]] for _, event in kept]
    assert learnt.ts.tolist() == [event.ts for _, event in kept]
    assert learnt.context.items.tolist() == [before.items[at].tolist() for at, _ in kept]
    assert learnt.rank.tolist() == [
        places.get(event.item_id, MISSED) if seen.scored[at] else NOT_SCORED for at, event in kept
    ]
    assert learnt.teaches.tolist() == [bool(before.items[at].any()) for at, _ in kept]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 5_000), st.sampled_from(["view_item", "view_item", "view_item", "purchase"])
        ),
        min_size=40,
        max_size=120,
    )
)
def test_what_one_does_beyond_twenty_things_a_minute_teaches_nothing_but_what_is_bought(
    steps: list[tuple[int, str]],
) -> None:
    ts, stream = 1_700_000_000_000, []
    for number, (after, action) in enumerate(steps):
        ts += after
        stream.append(
            Event(event_id=f"e{number}", event=action, ts=ts, user_id=USERS[0], item_id=f"item-{number % 7}")
        )
    batch, profiles = as_batch(stream), Profiles(list(USERS))
    seen = fold(profiles, batch, 50)
    kept = [stream[at] for at in seen.kept.tolist()]
    expected = []
    for number, event in enumerate(kept):
        before = kept[max(number - 50, 0) : number]  # what a profile remembers
        views = [it for it in before if it.event == "view_item" and event.ts - it.ts < 60_000]
        expected.append(event.event == "purchase" or len(views) < 20)
    assert (~is_too_much(batch, seen)).tolist() == expected
    nothing, who = np.zeros((len(kept), 20), np.int64), profiles.pseudonym[seen.user_row]
    assert (examples_of(batch, seen, nothing, who).who != NOBODY).tolist() == expected
