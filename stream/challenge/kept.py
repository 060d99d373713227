"""A model in a folder with all that it takes to go on from it: how it gets from one process to another."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from models.checkpoint import Checkpoints
from models.copies import restored
from models.errors import ModelError
from models.guardrails import Unfit
from models.names import Names
from models.recommender import Recommender
from models.snapshot import Snapshot
from stream.clock import now_ms
from stream.progress import Mark

__all__ = ["KeptModel", "NotKept"]


class NotKept(ModelError):
    """There is no model in the folder, or none that is whole."""


class KeptModel(NamedTuple):
    """A model, the items that its negatives are drawn from, and where in the examples it stands."""

    snapshot: Snapshot
    negatives: bytes  # int64 keys, the newest last
    place: Mark

    @classmethod
    def of(cls, recommender: Recommender, place: Mark, names: Names) -> "KeptModel":
        """Return a model as it is now, with the names that there are."""
        negatives = recommender.negatives.items.cpu().numpy().tobytes()
        snapshot = recommender.snapshot()
        named = snapshot._replace(names=names.find(snapshot.rows.key.tolist()))
        return cls(named, negatives, place)

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
        Checkpoints(folder).append(self.snapshot._replace(dense=about), now_ms())

    def name(self, names: Names) -> None:
        """Have the names learnt that are known.

        Raises
        ------
        models.guardrails.Unfit
            If an item has none, here or there: nobody could recommend it.
        """
        keys = self.snapshot.rows.key.tolist()
        known = [it for it in zip(keys, self.snapshot.names, strict=True) if it[1]]
        names.learn(*zip(*known, strict=True) if known else ((), ()))
        if unknown := names.unknown(keys):
            raise Unfit(f"{len(unknown):,} of its items have no name")

    def build(self, new: Callable[[], Recommender]) -> Recommender:
        """Return the model; ``new`` returns one that knows nothing."""
        return restored(new(), [self.snapshot], np.frombuffer(self.negatives, np.int64))
