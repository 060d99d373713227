"""What a batch is answered with: recommendations, a training example for each event, dead letters."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from models.answers import ranked_items
from models.codec import encode
from models.events import Event, RankedItem, Recommendation
from models.names import Names
from models.packing import pack
from stream.answering import Answer
from stream.arrivals import Released
from stream.lane import Arrival
from stream.origins import HEADER, Origins, source_name
from stream.outbox import OutboxRecord, dead_letter

__all__ = ["Stamp", "outbox_of"]

_EXAMPLES_PARTITION: Final = 0


class Stamp(NamedTuple):
    """What all records of a batch's outbox have in common.

    ``now`` is the clock in milliseconds since the Unix epoch, ``version`` the model's; ``generations`` is for
    `source_name`.
    """

    recommendations: str  # full names of topics
    examples: str
    now: int
    version: int
    names: Names
    generations: Mapping[str, int]


def outbox_of(arrived: Released, answered: Answer, stamp: Stamp) -> list[bytes]:
    """Return all that a batch has to say, as it is kept in the outbox."""
    records = _answers(arrived, answered, stamp)
    if len(answered.examples.item):
        records.append(_examples_record(arrived, answered, stamp))
    records += [dead_letter(*place.chunk.tp, place.record, error) for place, error in arrived.refused]
    return [record.to_bytes() for record in records]


def _answers(arrived: Released, answered: Answer, stamp: Stamp) -> list[OutboxRecord]:
    """Return an answer for each event that was no repeat, on its way to the partition of its user."""
    answers = zip(answered.seen.kept.tolist(), ranked_items(answered.ranked, stamp.names), strict=True)
    return [_answer(arrived.places[at], arrived.events[at], items, stamp) for at, items in answers]


def _answer(place: Arrival, event: Event, items: list[RankedItem], stamp: Stamp) -> OutboxRecord:
    topic, partition = place.chunk.tp
    answer = Recommendation(
        recommendation_id=f"{source_name(topic, stamp.generations)}-{partition}-{place.record.offset}",
        user_id=event.user_id,
        ts=stamp.now,
        event_id=event.event_id,
        event_ts=event.ts,
        model_version=stamp.version,
        items=items,
    )
    return OutboxRecord(stamp.recommendations, partition, event.user_id.encode(), encode(answer))


def _examples_record(arrived: Released, answered: Answer, stamp: Stamp) -> OutboxRecord:
    """Return the examples of a batch, packed into one record for the learner, with where they came from."""
    examples, kept = answered.examples, answered.seen.kept.tolist()
    packed = pack(examples, stamp.names.of(examples.item.tolist()))
    teaching = [arrived.places[at] for at in kept if not arrived.events[at].event.takes_back]
    origins = Origins.of(arrived.partition, teaching, stamp.generations).to_bytes()
    return OutboxRecord(stamp.examples, _EXAMPLES_PARTITION, None, packed, ((HEADER, origins),))
