"""A model in a folder with all that it takes to go on from it: how it gets from one process to another."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from models.checkpoint import Checkpoints
from models.errors import ModelError
from models.recommender import Recommender
from models.snapshot import Snapshot
from stream.clock import now_ms
from stream.progress import Mark

__all__ = ["HANDED_OVER", "PREDECESSOR", "KeptModel", "NotKept"]

# Folders below that of trials.
HANDED_OVER: Final = "handed-over"
PREDECESSOR: Final = "predecessor"


class NotKept(ModelError):
    """There is no model in the folder, or none that is whole."""


class KeptModel(NamedTuple):
    """A model, the items that its negatives are drawn from, and where in the examples it stands."""

    snapshot: Snapshot
    negatives: bytes  # int64 keys, the newest last
    place: Mark

    @classmethod
    def of(cls, recommender: Recommender, place: Mark) -> "KeptModel":
        """Return a model as it is now."""
        negatives = recommender.negatives.items.cpu().numpy().tobytes()
        return cls(recommender.snapshot(), negatives, place)

    @classmethod
    def load(cls, folder: Path) -> "KeptModel":
        """Return what `save` wrote.

        Raises
        ------
        NotKept
            If it is not there, or damaged.
        """
        snapshot, passed_over = Checkpoints(folder).load()
        if snapshot is None:
            raise NotKept(f"no whole model in {folder}: {passed_over or 'nothing there'}")
        about = snapshot.dense
        return cls(snapshot._replace(dense=about["model"]), about["negatives"], Mark(*about["place"]))

    def save(self, folder: Path) -> None:
        """Write it in place of what is there."""
        shutil.rmtree(folder, ignore_errors=True)
        about = {"model": self.snapshot.dense, "negatives": self.negatives, "place": list(self.place)}
        names = [""] * len(self.snapshot.rows.key)  # who reads it knows them
        Checkpoints(folder).append(self.snapshot._replace(dense=about, names=names), now_ms())

    def build(self, new: Callable[[], Recommender]) -> Recommender:
        """Return the model; ``new`` returns one that knows nothing."""
        recommender = new()
        recommender.follow(self.snapshot, quietly=True)
        recommender.draw_from(np.frombuffer(self.negatives, np.int64))
        return recommender
