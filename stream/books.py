"""The profile store of a worker, and what goes between it and the broker."""

from functools import partial
from typing import NamedTuple

from faust.types import AppT

from stream.changelog_writer import ChangelogWriter
from stream.forget_requests import ForgetRequests
from stream.identities import identities
from stream.leased import LeasedPublisher
from stream.log_reader import LogReader
from stream.outbox_relay import OutboxRelay
from stream.profiles import ProfileStore
from stream.publisher import Publisher
from stream.purger import Purger
from stream.retrain_requests import RetrainRequests
from stream.security import admin_security, client_options
from stream.settings import Settings
from stream.takeover import Takeover
from stream.topics import BROWSE, FORGET, ORDERS, Topics
from stream.transport import consumer

__all__ = ["Books", "broker_addresses"]


class Books(NamedTuple):
    """A store, and what settles its commits, takes over its partitions, purges, and has users erased."""

    store: ProfileStore
    relay: OutboxRelay
    takeover: Takeover
    purger: Purger
    requests: ForgetRequests
    retrains: RetrainRequests

    @classmethod
    def open(cls, app: AppT, settings: Settings) -> "Books":
        """Open the store in the data folder; the app's producer and consumer need not run yet."""
        topics = Topics(settings.topic_prefix, settings.partitions)
        changelog, *sources = map(topics.name, ("profiles", BROWSE, ORDERS, FORGET))
        brokers, security = broker_addresses(app), admin_security(settings)
        connection = client_options(settings)
        store = ProfileStore(settings.data_dir / "profiles")
        publisher = LeasedPublisher(Publisher(app), lambda: consumer(app).lease)
        writer = ChangelogWriter(store, publisher, lambda tps: LogReader(connection, tps), changelog)
        relay = OutboxRelay(publisher, writer, app.crash)
        purger = Purger(store, settings.partitions, app.crash)
        asked = partial(identities, brokers, [changelog, *sources], security)
        takeover = Takeover(writer, relay, purger, asked)
        requests = ForgetRequests(publisher, topics.name(FORGET), settings.partitions)
        retrains = RetrainRequests(publisher, topics.name("examples"))
        return cls(store, relay, takeover, purger, requests, retrains)


def broker_addresses(app: AppT) -> list[str]:
    """Return the broker's addresses as Kafka's clients take them."""
    return [f"{url.host}:{url.port}" for url in app.conf.broker]
