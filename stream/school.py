"""How a worker follows the model, and learns when that is its part."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import NamedTuple

from faust.types import TP

from models.budget import Budget
from models.names import Names
from models.row_forms import RowForm
from models.row_records import record_bytes
from stream.brain import Brain
from stream.checkpointer import Checkpointer
from stream.chunks import Chunk
from stream.identities import identities
from stream.learner import Learner
from stream.model_topic import CommittedReader
from stream.oversight import Oversight
from stream.publication import PUBLISH_SECONDS
from stream.publishing import Publishing
from stream.replica import Replica
from stream.security import admin_security, client_options
from stream.settings import Settings
from stream.topics import Topics
from stream.wire import Wire

__all__ = ["School"]


class School(NamedTuple):
    """The two parts, of which one rests while the other works."""

    replica: Replica
    learner: Learner

    @classmethod
    def of(
        cls, brain: Brain, names: Names, settings: Settings, acknowledge: Callable[[Iterable[Chunk]], None]
    ) -> "School":
        """Return the parts for a worker's model; nothing is connected or opened before they begin."""
        name, client = Topics(settings.topic_prefix, settings.partitions).name, client_options(settings)
        reader = partial(
            CommittedReader, client, TP(name("model"), 0), partial(_identity, settings, name("model"))
        )
        checkpointer = Checkpointer(settings.data_dir / "model", settings.checkpoint_seconds)
        replica = Replica(brain, names, reader, checkpointer)
        wire = Wire(
            client=client,
            examples=name("examples"),
            identity=partial(_identity, settings, name("examples")),
            model=name("model"),
            steps=name("steps"),
            decisions=name("decisions"),
            transactional_id=f"{settings.app_id}-learner",
            form=RowForm[settings.model_rows.upper()],
            budget=_budget(brain, names, settings),
        )
        publishing = partial(Publishing, brain, replica, wire, acknowledge)
        oversight = Oversight(settings)
        return cls(replica, Learner(brain, replica, wire, publishing, oversight=oversight))


def _identity(settings: Settings, topic: str) -> str:
    brokers = client_options(settings)["bootstrap_servers"]
    return identities(brokers, [topic], admin_security(settings))[topic]


def _budget(brain: Brain, names: Names, settings: Settings) -> Budget | None:
    """Return what a publication's rows may take, None where they may take what they need."""
    if not settings.model_bytes_per_second:
        return None
    row = record_bytes(brain.recommender.row_type, RowForm[settings.model_rows.upper()])
    return Budget(int(settings.model_bytes_per_second * PUBLISH_SECONDS), row, names)
