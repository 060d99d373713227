"""A storm's erasures: users ask to be forgotten while their events come in, and a worker is killed."""

import json
from collections.abc import Iterable
from random import Random
from typing import Final

from kafka import KafkaProducer

from stream.chaos.faults import crash, kill
from stream.chaos.records import read_topic
from stream.chaos.system import System
from stream.topics import BROWSE, FORGET

__all__ = ["forget_and_crash", "forget_and_kill"]

_USERS: Final = 20


def forget_and_kill(system: System, draw: Random) -> float:
    """Have users forgotten, some for good, some so that newer events begin a new profile; kill a worker."""
    system.let_events_flow(draw)
    _ask_for_some(system, draw)
    return kill(system, draw)


def forget_and_crash(system: System, draw: Random) -> float:
    """Have users forgotten by a worker that kills itself once it has erased the first of them."""
    system.let_events_flow(draw)
    member = system.one_of(draw)
    member.kill()
    _ask_for_some(system, draw)
    return crash(member, "erased-not-published:1", draw)


def _ask_for_some(system: System, draw: Random) -> None:
    clicks = read_topic(system.broker.address, system.topics.name(BROWSE))
    keys = [record.key for record in clicks if record.key is not None]
    users = dict.fromkeys(draw.sample(keys, min(_USERS, len(keys))))  # who is busy is often among them
    # A time before all events, but after those that were asked for: what is erased is what is there.
    asked = 1 + len(read_topic(system.broker.address, system.topics.name(FORGET)))
    _ask(system, users, asked)


def _ask(system: System, users: Iterable[bytes], asked: int) -> None:
    """Publish requests: every second one up to the moment, which is after all events of the load."""
    producer = KafkaProducer(bootstrap_servers=system.broker.address)
    try:
        for number, user in enumerate(users):
            up_to = {"ts": asked} if number % 2 else {}
            value = json.dumps({"user_id": user.decode(), **up_to}).encode()
            producer.send(system.topics.name(FORGET), key=user, value=value)
        producer.flush()
    finally:
        producer.close()
