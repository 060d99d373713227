"""Where a worker keeps the models of a trial: for the process that holds it, and from it."""

import shutil
from pathlib import Path
from typing import Final

from stream.challenge.kept import KeptModel

__all__ = ["TrialFolder"]

_HANDED_OVER: Final = "handed-over"


class TrialFolder:
    """The champion, from where the trial begins, the one before it, and who is handed over.

    A model's folder is named by where it stands in the examples: none is taken for another.

    Parameters
    ----------
    path
        Made once there is something to keep.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def keep(self, champion: KeptModel) -> None:
        """Keep the model that serves, in place of all that is there."""
        self.clear()
        champion.save(self._champion(champion.place.position))

    def keep_both(self, successor: KeptModel, predecessor: KeptModel) -> None:
        """Keep the model that serves from now on, and the one before it, beside what is there."""
        successor.save(self._champion(successor.place.position))
        predecessor.save(self._predecessor(predecessor.place.position))

    def has(self, champion: int, predecessor: int | None) -> bool:
        """Return whether it holds the models of these places."""
        held = [self._champion(champion)]
        if predecessor is not None:
            held.append(self._predecessor(predecessor))
        return all(folder.is_dir() for folder in held)

    def champion(self, position: int) -> KeptModel:
        """Return the champion that stands there; raises `NotKept`."""
        return KeptModel.load(self._champion(position))

    def predecessor(self, position: int) -> KeptModel:
        """Return the champion before, which stands there; raises `NotKept`."""
        return KeptModel.load(self._predecessor(position))

    def hand_over(self, model: KeptModel) -> None:
        """Keep who is to serve."""
        model.save(self.path / _HANDED_OVER)

    def handed_over(self) -> KeptModel:
        """Return who is to serve; raises `NotKept`."""
        return KeptModel.load(self.path / _HANDED_OVER)

    def clear(self) -> None:
        """Keep nothing any more."""
        shutil.rmtree(self.path, ignore_errors=True)

    def _champion(self, position: int) -> Path:
        return self.path / f"champion-{position}"

    def _predecessor(self, position: int) -> Path:
        return self.path / f"predecessor-{position}"
