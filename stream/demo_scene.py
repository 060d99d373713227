"""Where a demo runs: its folder, its Kafka or the user's, and the settings of its worker."""

from collections.abc import Mapping
from pathlib import Path
from typing import Self
from uuid import uuid4

import msgspec

from stream.broker import Broker
from stream.ports import LOOPBACK, free_port
from stream.settings import Settings

__all__ = ["Scene"]

_EVERYWHERE = ("", "0.0.0.0", "::")  # noqa: S104 - names that mean all addresses; nothing is bound here


class Scene(msgspec.Struct, frozen=True):
    """What a demo works with.

    Attributes
    ----------
    folder
        Holds all its state; whoever made it removes it.
    kafka
        The Kafka of its own, not started yet; None where the user has set a broker.
    variables
        What the worker's environment has more than this process's.
    settings
        What they and the user's own settings say.
    page
        The address of the worker's live page.
    own_prefix
        Of topics on the user's broker that are this demo's alone; empty where it has none there.
    """

    folder: Path
    kafka: Broker | None
    variables: dict[str, str]
    settings: Settings
    page: str
    own_prefix: str

    @classmethod
    def of(cls, environment: Mapping[str, str], folder: Path) -> Self:
        """Return the scene for the user's environment; raises `BadSetting`.

        On the user's broker the topics get a prefix of their own where the user has set none, so that no
        demo reads what another wrote, nor what the shop did.
        """
        own = {"HEADRACE_DATA_DIR": str(folder / "worker"), "HEADRACE_LEARNER": "yes", "TMPDIR": str(folder)}
        kafka, prefix = None, ""
        if not environment.get("HEADRACE_BROKER"):
            kafka = Broker(folder / "kafka", free_port())
            own["HEADRACE_BROKER"] = f"kafka://{kafka.address}"
        elif "HEADRACE_TOPIC_PREFIX" not in environment:
            name = f"demo-{uuid4().hex[:8]}"
            prefix = f"{name}-"
            own |= {"HEADRACE_TOPIC_PREFIX": prefix, "HEADRACE_APP_ID": f"headrace-{name}"}
        settings = Settings.of({**environment, **own})
        host = LOOPBACK if settings.web_bind in _EVERYWHERE else settings.web_bind
        return cls(folder, kafka, own, settings, f"http://{host}:{free_port()}", prefix)

    @property
    def location(self) -> str:
        """A sentence on where it all happens."""
        broker = self.settings.broker.removeprefix("kafka://")
        if self.kafka is not None:
            return f"Apache Kafka at {broker}, of this demo alone"
        return f"the Kafka of HEADRACE_BROKER, {broker}; the names of the topics start with {self._prefix}"

    @property
    def _prefix(self) -> str:
        return repr(self.settings.topic_prefix)
