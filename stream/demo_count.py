"""How many records a topic holds, counted by the broker."""

from typing import Final

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from producers.topics import bootstrap_of
from stream.topics import BrokerAway

__all__ = ["record_count"]

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
