"""What tells a topic from another of the same name: one that was recreated, or is elsewhere."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError, for_code

from stream.topics import CONNECT_MS, BrokerAway

__all__ = ["identities"]


def identities(brokers: Sequence[str], topics: Iterable[str], security: Mapping[str, Any]) -> dict[str, str]:
    """Return the identity of each topic: the cluster's id and the topic's, which Kafka draws when it is made.

    It talks to the broker from the thread it is called from. Brokers before Kafka 2.8 give no id of a topic.

    Raises
    ------
    BrokerAway
        If no broker answers, or one does not know a topic, as in the moments after it was made.
    """
    try:
        admin = KafkaAdminClient(bootstrap_servers=list(brokers), bootstrap_timeout_ms=CONNECT_MS, **security)
        try:
            cluster = admin.describe_cluster()["cluster_id"]
            found = admin.describe_topics(list(topics))
            for topic in found:
                if topic["error_code"]:
                    raise for_code(topic["error_code"])(topic["name"])
        finally:
            admin.close()
    except KafkaError as error:
        raise BrokerAway(brokers, error) from error
    return {topic["name"]: f"{cluster}/{topic['topic_id']}" for topic in found}
