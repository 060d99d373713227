"""A storm's change of topics: the one of clicks is recreated, with offsets from 0 on."""

from random import Random
from typing import Final

from kafka.admin import KafkaAdminClient

from stream.chaos.probe import send_probes
from stream.chaos.records import read_topic
from stream.chaos.system import System
from stream.chaos.wait import until
from stream.topics import BROWSE

__all__ = ["recreate"]

_HANDLE_SECONDS: Final = 300.0
_GONE_SECONDS: Final = 30.0


def recreate(system: System, draw: Random) -> float:
    """Have all events handled and their topic deleted; a worker that starts makes it, and events go in again.

    Events that nobody has handled yet would be lost with the topic, whoever reads it.
    """
    system.let_events_flow(draw)
    system.load.finish()
    send_probes(system, _HANDLE_SECONDS)
    member = system.one_of(draw)
    member.stop()
    name, address = system.topics.name(BROWSE), system.broker.address
    system.former.append(read_topic(address, name))
    admin = KafkaAdminClient(bootstrap_servers=address)
    try:
        admin.delete_topics([name])
        until(lambda: name not in admin.list_topics(), "a deleted topic is gone", _GONE_SECONDS)
    finally:
        admin.close()
    member.start()
    seconds = member.until_ready()
    system.begin_load()
    return seconds
