"""The topics of a demo: how many records one holds, counted by the broker, and their end."""

from contextlib import suppress
from typing import Final

from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from producers.topics import bootstrap_of
from stream.topics import BrokerAway

__all__ = ["delete_topics", "record_count"]

# A broker that is up answers at once; a name may have several addresses to try.
_CONNECT_MS: Final = 3_000


def record_count(broker: str, topic: str) -> int:
    """Return the sum of the end offsets of the topic's partitions, 0 where there is no such topic.

    The difference of two calls is what was published in between, whatever the worker says of itself.

    Raises
    ------
    BrokerAway
        If no broker answers.
    """
    addresses = bootstrap_of(broker)
    try:
        consumer = KafkaConsumer(bootstrap_servers=addresses, bootstrap_timeout_ms=_CONNECT_MS)
    except KafkaError as error:
        raise BrokerAway(addresses, error) from error
    try:
        places = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
        return sum(consumer.end_offsets(places).values()) if places else 0
    finally:
        consumer.close()


def delete_topics(broker: str, prefix: str) -> None:
    """Delete all topics whose names start with ``prefix``, if the broker answers."""
    with suppress(KafkaError):
        admin = KafkaAdminClient(bootstrap_servers=bootstrap_of(broker), bootstrap_timeout_ms=_CONNECT_MS)
        try:
            admin.delete_topics([name for name in admin.list_topics() if name.startswith(prefix)])
        finally:
            admin.close()
