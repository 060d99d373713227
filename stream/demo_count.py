"""How many records a topic holds, counted by the broker."""

from kafka import KafkaConsumer, TopicPartition

from producers.topics import bootstrap_of

__all__ = ["record_count"]


def record_count(broker: str, topic: str) -> int:
    """Return the sum of the end offsets of the topic's partitions, 0 where there is no such topic.

    The difference of two calls is what was published in between, whatever the worker says of itself.
    """
    consumer = KafkaConsumer(bootstrap_servers=bootstrap_of(broker))
    try:
        places = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
        return sum(consumer.end_offsets(places).values()) if places else 0
    finally:
        consumer.close()
