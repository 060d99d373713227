"""The profile store of a worker, and what goes between it and the broker."""

from functools import partial
from typing import NamedTuple

from faust.types import AppT

from stream.custody import Custody
from stream.forget_requests import ForgetRequests
from stream.identities import identities
from stream.leased import LeasedPublisher
from stream.log_reader import LogReader
from stream.profiles import ProfileStore
from stream.publisher import Publisher
from stream.purger import Purger
from stream.security import admin_security, client_options
from stream.settings import Settings
from stream.settlement import Settlement
from stream.takeover import Takeover
from stream.topics import BROWSE, FORGET, ORDERS, Topics
from stream.transport import consumer

__all__ = ["Books", "broker_addresses"]


class Books(NamedTuple):
    """A store, and what settles its commits, takes over its partitions, purges, and has users erased."""

    store: ProfileStore
    settlement: Settlement
    takeover: Takeover
    purger: Purger
    requests: ForgetRequests

    @classmethod
    def open(cls, app: AppT, settings: Settings) -> "Books":
        """Open the store in the data folder; the app's producer and consumer need not run yet."""
        topics = Topics(settings.topic_prefix, settings.partitions)
        changelog, *sources = map(topics.name, ("profiles", BROWSE, ORDERS, FORGET))
        brokers, security = broker_addresses(app), admin_security(settings)
        connection = client_options(settings)
        store = ProfileStore(settings.data_dir / "profiles")
        publisher = LeasedPublisher(Publisher(app), lambda: consumer(app).lease)
        custody = Custody(store, publisher, lambda tps: LogReader(connection, tps), changelog)
        settlement = Settlement(publisher, custody, app.crash)
        purger = Purger(store, settings.partitions, app.crash)
        asked = partial(identities, brokers, [changelog, *sources], security)
        takeover = Takeover(custody, settlement, purger, asked)
        requests = ForgetRequests(publisher, topics.name(FORGET), settings.partitions)
        return cls(store, settlement, takeover, purger, requests)


def broker_addresses(app: AppT) -> list[str]:
    """Return the broker's addresses as Kafka's clients take them."""
    return [f"{url.host}:{url.port}" for url in app.conf.broker]
