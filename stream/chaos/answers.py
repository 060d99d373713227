"""Recommendations as they must be: one for each event that is no repeat, and under its id."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

import msgspec

from models.events import Recommendation
from stream.chaos.records import Record

__all__ = ["Answers", "check_answers"]

_decode = msgspec.msgpack.Decoder(Recommendation).decode


class Answers(msgspec.Struct, frozen=True):
    """What is wrong with the records of ``recommendations``, and what is not as good as it could be.

    Attributes
    ----------
    missing
        Answer ids of events without one.
    unexpected
        Answers to no event, or to an event under the id of another.
    repeats
        Records that answer what one before them has answered.
    differing
        Answer ids whose records are not all the same, byte for byte.
    """

    missing: frozenset[str] = frozenset()
    unexpected: frozenset[str] = frozenset()
    repeats: int = 0
    differing: frozenset[str] = frozenset()


def check_answers(
    event_ids: Mapping[str, str], records: Iterable[Record], may: Mapping[str, str] | None = None
) -> Answers:
    """Return what is wrong with the records.

    ``event_ids`` has the event of each answer that must be there, ``may`` of those that can be there.

    Examples
    --------
    >>> check_answers({"clicks-0-7": "e1"}, []).missing
    frozenset({'clicks-0-7'})
    """
    values: dict[str, list[bytes]] = defaultdict(list)
    unexpected, known = set(), {**(may or {}), **event_ids}
    for record in records:
        answer = _decode(record.value or b"")
        values[answer.recommendation_id].append(record.value or b"")
        if known.get(answer.recommendation_id) != answer.event_id:
            unexpected.add(answer.recommendation_id)
    return Answers(
        missing=frozenset(event_ids.keys() - values.keys()),
        unexpected=frozenset(unexpected),
        repeats=sum(len(same) - 1 for same in values.values()),
        differing=frozenset(answer for answer, same in values.items() if len(set(same)) > 1),
    )
