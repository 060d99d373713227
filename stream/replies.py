"""What a batch is answered with: recommendations, a training example for each event, dead letters."""

from typing import Final, NamedTuple

import numpy as np

from models.answers import Ranked, ranked_items
from models.batch import TAKES_BACK, Batch, Longs
from models.codec import encode
from models.events import Event, RankedItem, Recommendation
from models.examples import Examples, pack
from models.names import Names
from models.observation import Observations
from models.profile import SERVED_ITEMS, Profiles
from models.timeline import action_of
from stream.arrivals import Arrival, Released
from stream.outbox import Letter, dead_letter

__all__ = ["Stamp", "banned_items", "letters_of", "served_before"]

_EXAMPLES_PARTITION: Final = 0


class Stamp(NamedTuple):
    """What all letters of a batch have in common.

    ``now`` is the clock in milliseconds since the Unix epoch, ``version`` the model's.
    """

    recommendations: str  # full names of topics
    examples: str
    now: int
    version: int
    names: Names


def served_before(profiles: Profiles, seen: Observations, ranked: Ranked) -> Longs:
    """Return the recommendation that was in force before each event, int64[M, K], 0-padded.

    It is the one for the user's event before it, in this batch or an earlier one.
    """
    served = profiles.served[seen.user_row]  # int64[M, K]
    here = seen.previous >= 0  # bool[M]
    width = min(ranked.items.shape[1], SERVED_ITEMS)
    served[here] = 0
    served[here, :width] = ranked.items[seen.previous[here], :width]
    return served


def banned_items(batch: Batch, profiles: Profiles, seen: Observations, *, hide_bought: bool) -> Longs:
    """Return the items that each answer must not hold, int64[M, X]: the one just acted on, and the bought."""
    item = batch.item[seen.kept]  # int64[M]
    if not hide_bought:
        return item[:, None]
    returned = TAKES_BACK[action_of(profiles.lines.stamp)]  # bool[U, 32]
    bought = np.where(returned, 0, profiles.lines.item)  # int64[U, 32]
    return np.concatenate([item[:, None], bought[seen.user_row]], axis=1)


def letters_of(
    arrived: Released, seen: Observations, ranked: Ranked, examples: Examples, stamp: Stamp
) -> list[bytes]:
    """Return all that a batch has to say, as it is kept in the outbox."""
    letters = _answers(arrived, seen, ranked, stamp)
    if len(examples.item):
        letters.append(_examples_letter(examples, stamp))
    letters += [dead_letter(*place.chunk.tp, place.record, error) for place, error in arrived.refused]
    return [letter.to_bytes() for letter in letters]


def _answers(arrived: Released, seen: Observations, ranked: Ranked, stamp: Stamp) -> list[Letter]:
    """Return an answer for each event that was no repeat, on its way to the partition of its user."""
    answers = zip(seen.kept.tolist(), ranked_items(ranked, stamp.names), strict=True)
    return [_answer(arrived.places[at], arrived.events[at], items, stamp) for at, items in answers]


def _answer(place: Arrival, event: Event, items: list[RankedItem], stamp: Stamp) -> Letter:
    topic, partition = place.chunk.tp
    answer = Recommendation(
        recommendation_id=f"{topic}-{partition}-{place.record.offset}",
        user_id=event.user_id,
        ts=stamp.now,
        event_id=event.event_id,
        event_ts=event.ts,
        model_version=stamp.version,
        items=items,
    )
    return Letter(stamp.recommendations, partition, event.user_id.encode(), encode(answer))


def _examples_letter(examples: Examples, stamp: Stamp) -> Letter:
    """Return the examples of a batch, packed into one record for the learner."""
    packed = pack(examples, stamp.names.of(examples.item.tolist()))
    return Letter(stamp.examples, _EXAMPLES_PARTITION, None, packed)
