"""Events and their answers, as programs read and write them that have kafka-python and msgpack alone."""

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

import msgpack
from shop import Log, Shop
from worker_process import WorkerProcess

Events = dict[str, dict[str, Any]]


def publish(shop: Shop, events: Iterable[dict[str, Any]]) -> None:
    """Publish events as JSON, each on the topic of its action."""
    topics = {"purchase": "purchases", "refund": "purchases"}
    shop.publish(
        (topics.get(event["event"], "clicks"), event["user_id"].encode(), json.dumps(event).encode())
        for event in events
    )


def read_sources(shop: Shop) -> Events:
    """The events to be answered, by the id that the contract gives their answer, without repeats."""
    found: Events = {}
    seen = set()
    for topic in ("clicks", "purchases"):
        for record in shop.read(topic):
            event = (json.loads if record.value[:1] == b"{" else msgpack.unpackb)(record.value)
            if event["event_id"] not in seen:
                found[f"{record.topic}-{record.partition}-{record.offset}"] = event
            seen.add(event["event_id"])
    return found


class Answers(NamedTuple):
    """The records of ``recommendations`` and what they say, both in the order of each partition."""

    records: list[Any]
    values: list[dict[str, Any]]

    @classmethod
    def of(cls, records: list[Any]) -> "Answers":
        return cls(list(records), [msgpack.unpackb(record.value) for record in records])

    @property
    def first(self) -> list[dict[str, Any]]:
        """The answers without repeats."""
        return list({value["recommendation_id"]: value for value in self.values}.values())

    @property
    def ids(self) -> list[str]:
        return [value["recommendation_id"] for value in self.values]

    def until(self, worker: WorkerProcess, log: Log, count: int) -> "Answers":
        """Wait for so many different answers."""

        def complete() -> bool:
            records = log.read()
            return len(records) >= count and len(set(Answers.of(records).ids)) >= count

        worker.until(complete, f"{count} answers")
        return Answers.of(log.read_to_end())
