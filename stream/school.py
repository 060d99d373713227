"""How a worker follows the model, and learns when that is its part."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import NamedTuple

from faust.types import TP

from models.names import Names
from stream.brain import Brain
from stream.chunks import Chunk
from stream.follower import Follower
from stream.keeper import Keeper
from stream.learner import Learner
from stream.model_topic import CommittedReader
from stream.publication import Wire
from stream.security import client_options
from stream.settings import Settings
from stream.topics import Topics

__all__ = ["School"]


class School(NamedTuple):
    """The two parts, of which one rests while the other works."""

    follower: Follower
    learner: Learner

    @classmethod
    def of(
        cls, brain: Brain, names: Names, settings: Settings, acknowledge: Callable[[Iterable[Chunk]], None]
    ) -> "School":
        """Return the parts for a worker's model; nothing is connected or opened before they begin."""
        name, client = Topics(settings.topic_prefix, settings.partitions).name, client_options(settings)
        reader = partial(CommittedReader, client, TP(name("model"), 0))
        keeper = Keeper(settings.data_dir / "model")
        follower = Follower(brain, names, reader, keeper)
        wire = Wire(client, name("examples"), name("model"), name("steps"), f"{settings.app_id}-learner")
        return cls(follower, Learner(brain, follower, wire, acknowledge))
