"""The topics made on the broker where they are missing, and compared with what they must be."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from kafka.errors import KafkaError, TopicAlreadyExistsError

from stream.topics import CONNECT_MS, BrokerAway, Topic, TopicMismatch

__all__ = ["create_missing"]


def create_missing(brokers: Sequence[str], topics: Iterable[Topic], security: Mapping[str, Any]) -> list[str]:
    """Create the topics that are not there; return a sentence for each that is set up differently.

    It talks to the broker from the thread it is called from, and silences the logs of kafka-python, whose
    every attempt to connect would be an error there.

    Raises
    ------
    BrokerAway
        If no broker answers.
    TopicMismatch
        If a topic has another number of partitions.
    """
    wanted = {topic.name: topic for topic in topics}
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    try:
        admin = KafkaAdminClient(bootstrap_servers=list(brokers), bootstrap_timeout_ms=CONNECT_MS, **security)
    except KafkaError as error:
        raise BrokerAway(brokers, error) from error
    try:
        there = wanted.keys() & set(admin.list_topics())
        # Replication is left to the broker's own default; another worker may be quicker.
        missing = {
            name: {"num_partitions": topic.partitions, "configs": dict(topic.config)}
            for name, topic in wanted.items()
            if name not in there
        }
        if missing:
            with suppress(TopicAlreadyExistsError):
                admin.create_topics(missing, wait_for_metadata=True)
        return _differences(admin, [wanted[name] for name in sorted(there)])
    finally:
        admin.close()


def _differences(admin: Any, topics: list[Topic]) -> list[str]:
    """Compare partitions and configuration with what the broker has."""
    if not topics:
        return []
    partitions = {
        found["name"]: len(found["partitions"]) for found in admin.describe_topics([t.name for t in topics])
    }
    for topic in topics:
        if partitions[topic.name] != topic.partitions:
            raise TopicMismatch(topic.name, partitions[topic.name], topic.partitions, is_input=topic.is_input)
    resources = [ConfigResource(ConfigResourceType.TOPIC, topic.name) for topic in topics]
    configs = admin.describe_configs(resources)["topic"]
    return [
        f"topic {topic.name} has {key}={found}, not {value}"
        for topic in topics
        for key, value in topic.config.items()
        if (found := configs[topic.name].get(key, {}).get("value")) != value
    ]
