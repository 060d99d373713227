"""One embedded Kafka for the whole session; every test below this folder carries the mark ``kafka``."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from stream.broker import Broker

_HERE = Path(__file__).parent

# To look for doctests is to import, and this one spoils `models.seen` for whoever imports it.
collect_ignore = ["forgetful_app.py"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.kafka)


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A running broker on a free port; it is everyone's, so leave it running."""
    with Broker(tmp_path_factory.mktemp("kafka")) as running:
        yield running


@pytest.fixture(scope="session")
def broker(embedded: Broker) -> str:
    """The bootstrap address of the session's broker, as in 127.0.0.1:20001."""
    return embedded.address


@pytest.fixture
def topic_prefix() -> str:
    """A TOPIC_PREFIX that no other test has."""
    return f"test-{uuid4().hex[:12]}-"
