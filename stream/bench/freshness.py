"""The way of one event to another worker: answered, learnt, served there, and its new item found there."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, NamedTuple, Self

import msgspec
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from models.codec import encode
from models.events import Action, Event, Recommendation
from stream.client import Client
from stream.errors import StreamError
from stream.topics import BROWSE, Topics

__all__ = ["Freshness", "NeverFresh", "Probe"]

# Users enough that the other worker has some of them: they know the item that all new ones come after.
_SEEKERS: Final = 16
_KNOWN: Final = "probe-known"
# Deep enough for an item that a single event was learnt from.
_DEPTH: Final = 100
# Old enough to be passed on at once, beside whatever log runs: a user's time counts only against their own.
_FIRST_MS: Final = 1_000_000_000_000
_POLL_MS: Final = 2
_LOOK_SECONDS: Final = 0.005
_decode = msgspec.msgpack.Decoder(Recommendation).decode


class NeverFresh(StreamError):
    """What an event should have come to did not come in time."""


class Freshness(NamedTuple):
    """Seconds from when an event is published."""

    answered: float  # its recommendation can be read
    served: float  # the other worker's model has learnt from it
    found: float  # its item, new to all, is in a list of the other worker


class Probe:
    """Publishes events, and looks what another worker than the learner makes of them; a context manager.

    Parameters
    ----------
    broker
        The address of Kafka, as in 127.0.0.1:9092.
    topics
        Of the workers.
    other
        Asks the worker that does not learn.
    seconds
        How long anything may take.
    """

    def __init__(self, broker: str, topics: Topics, other: Client, seconds: float) -> None:
        self._clicks = topics.name(BROWSE)
        self._other = other
        self._seconds = seconds
        self._events = 0
        self._producer = KafkaProducer(bootstrap_servers=broker)
        self._consumer = KafkaConsumer(bootstrap_servers=broker)
        name, partitions = topics.name("recommendations"), range(topics.partitions)
        places = [TopicPartition(name, number) for number in partitions]
        self._consumer.assign(places)
        for place, end in self._consumer.end_offsets(places).items():
            self._consumer.seek(place, end)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._producer.close()
        self._consumer.close()

    def find_seeker(self) -> str:
        """Make known the item that new ones come after; return a user of the other worker who has seen it."""
        users = [f"probe-seeker-{number}" for number in range(_SEEKERS)]
        self._answered({self._publish(user, "probe-first") for user in users})
        places = {self._publish(user, _KNOWN) for user in users}
        self._answered(places)
        self._until(lambda: all(map(self._has_learnt, places)), "the known item is learnt")
        held = [user for user in users if self._is_held(user)]
        if not held:
            raise NeverFresh(f"the other worker has none of {_SEEKERS} users")
        return held[0]

    def run(self, number: int, seeker: str) -> Freshness:
        """Have a new user see the known item and then one that nobody has seen, and time the latter."""
        user, item = f"probe-{number}", f"probe-new-{number}"
        self._answered({self._publish(user, _KNOWN)})
        begin = time.monotonic()
        place = self._publish(user, item)
        self._answered({place})
        answered = time.monotonic() - begin
        times: dict[str, float] = {}
        looks = {"served": lambda: self._has_learnt(place), "found": lambda: self._is_found(item, seeker)}

        def is_done() -> bool:
            for name in looks.keys() - times.keys():
                if looks[name]():
                    times[name] = time.monotonic() - begin
            return times.keys() == looks.keys()

        self._until(is_done, f"{item} is learnt and found")
        return Freshness(answered, times["served"], times["found"])

    def _publish(self, user: str, item: str) -> str:
        """Return what the answer is called: where the event stands."""
        self._events += 1
        event = Event(
            event_id=f"probe-event-{self._events}",
            event=Action.VIEW_ITEM,
            ts=_FIRST_MS + 1_000 * self._events,
            user_id=user,
            item_id=item,
        )
        place = self._producer.send(self._clicks, encode(event), user.encode()).get(self._seconds)
        return f"{place.topic}-{place.partition}-{place.offset}"

    def _answered(self, places: set[str]) -> None:
        waiting = set(places)

        def is_empty() -> bool:
            come = self._consumer.poll(timeout_ms=_POLL_MS).values()
            waiting.difference_update(
                _decode(it.value).recommendation_id for records in come for it in records
            )
            return not waiting

        self._until(is_empty, f"the answers to {sorted(places)[:3]}")

    def _has_learnt(self, place: str) -> bool:
        """Return whether what the other worker serves has learnt from the event."""
        partition, _, offset = place.rpartition("-")
        return self._other.status().learnt_to.get(partition, 0) > int(offset)

    def _is_found(self, item: str, seeker: str) -> bool:
        return item in {it.item_id for it in self._other.recommendations(seeker, _DEPTH).items}

    def _is_held(self, user: str) -> bool:
        """Return whether the other worker knows the user: to others it shows what is popular."""
        return any(it.source != "popular" for it in self._other.recommendations(user, _DEPTH).items)

    def _until(self, condition: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + self._seconds
        while not condition():
            if time.monotonic() > end:
                raise NeverFresh(f"not within {self._seconds:.0f} s: {what}")
            time.sleep(_LOOK_SECONDS)
