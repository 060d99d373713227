"""The topics that producers write to."""

import re
from contextlib import suppress
from typing import Final, NamedTuple

from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError, TopicAlreadyExistsError

from producers.errors import BrokerDown

__all__ = ["Topics", "bootstrap_of", "create_missing_topics"]

# A broker that is up answers at once; a name may have several addresses to try.
_CONNECT_MS: Final = 3_000
# That an item is gone must be known for as long as a model may know the item.
_CATALOG: Final = {"cleanup.policy": "compact", "delete.retention.ms": str(2**63 - 1)}


class Topics(NamedTuple):
    """The names of the topics, prefix included.

    Examples
    --------
    >>> Topics.named("shop-").clicks
    'shop-clicks'
    """

    clicks: str
    purchases: str
    catalog: str

    @classmethod
    def named(cls, prefix: str) -> "Topics":
        """Return the names with ``prefix`` in front, as it is."""
        return cls(prefix + "clicks", prefix + "purchases", prefix + "catalog")


def bootstrap_of(broker: str) -> list[str]:
    """Return the addresses of a broker setting, with or without Faust's scheme.

    Examples
    --------
    >>> bootstrap_of("kafka://127.0.0.1:9092;127.0.0.2:9092")
    ['127.0.0.1:9092', '127.0.0.2:9092']
    """
    return [address.removeprefix("kafka://") for address in re.split("[;,]", broker) if address]


def create_missing_topics(broker: str, topics: Topics, partitions: int) -> None:
    """Create those of the topics that do not exist; the catalog is compacted.

    Raises
    ------
    BrokerDown
        If no broker answers.
    """
    try:
        admin = KafkaAdminClient(bootstrap_servers=bootstrap_of(broker), bootstrap_timeout_ms=_CONNECT_MS)
    except KafkaError:
        raise BrokerDown(broker) from None
    try:
        for name in sorted(set(topics) - set(admin.list_topics())):
            # Replication is left to the broker's own default.
            configs = _CATALOG if name == topics.catalog else {}
            topic = {name: {"num_partitions": partitions, "configs": configs}}
            # A worker that starts at the same moment may have been first.
            with suppress(TopicAlreadyExistsError):
                admin.create_topics(topic, wait_for_metadata=True)
    finally:
        admin.close()
