"""The files of a folder of checkpoints: written by one writer, and dropped when they are of no more use."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from models.checkpoint_chain import is_full, listed
from models.checkpoint_file import CheckpointBroken, Packed, read_header
from models.durable import make_folder, sweep, sync_folder, unfinished
from models.errors import ModelError

__all__ = ["CheckpointFolder", "StaleSnapshot"]

# Full states that are kept, with all deltas since the oldest: a broken one costs nothing but a longer load.
_GENERATIONS: Final = 3
# A minute at a checkpoint a second.
_MAX_DELTAS: Final = 60
# Deltas may take as much as the full state they follow, so each byte is written about twice; and this
# much where that is small, lest a small model be written anew every time.
_MIN_BYTES: Final = 8 * 2**20


class StaleSnapshot(ModelError):
    """Another learner has written to the folder, or something newer is there: this learner must stop."""


class CheckpointFolder:
    """Writes and drops files, as long as nobody else does.

    ``passing`` is told of each place where a crash leaves something unfinished.
    """

    def __init__(self, path: Path, passing: Callable[[str], object]) -> None:
        self.path = path
        self._passing = passing
        self._known: set[str] = set()

    def look(self) -> frozenset[str]:
        """Return the files that are there; one that comes up later and is not ours is another writer's."""
        self._known = listed(self.path)
        return frozenset(self._known)

    def write(self, packed: Packed) -> None:
        """Write a file: there as a whole or not at all, and on the disk when this returns.

        Raises
        ------
        StaleSnapshot
            If another has written.
        OSError
            If it cannot be written. It is there none the less if only its name may not be on the disk.
        """
        self._check_alone()
        make_folder(self.path)
        sweep(self.path)
        path = self.path / packed.header.name
        with unfinished(path, self._announced(packed.pieces)) as beside:
            self._check_alone()
            self._passing("checkpoint-before-rename")
            beside.replace(path)
        self._known.add(path.name)
        sync_folder(self.path)

    def _announced(self, pieces: Iterable[bytes | memoryview]) -> Iterator[bytes | memoryview]:
        for number, piece in enumerate(pieces):
            if number == 1:
                self._passing("checkpoint-writing")
            yield piece

    def has(self, name: str) -> bool:
        """Return whether a file is there."""
        return name in listed(self.path)

    def drop(self, names: frozenset[str]) -> None:
        """Remove files."""
        for name in sorted(names):
            (self.path / name).unlink(missing_ok=True)
        self._known -= names

    def prune(self) -> None:
        """Remove what is older than the last three full states."""
        fulls = sorted(filter(self._is_sound, filter(is_full, self._known)), reverse=True)
        if len(fulls) >= _GENERATIONS:
            # By name a delta comes before the full state of the same version, which has all of it.
            self.drop(frozenset(name for name in self._known if name < fulls[_GENERATIONS - 1]))

    def is_due(self) -> bool:
        """Return whether the deltas since the last full state are many, or outweigh it."""
        sizes = {name: (self.path / name).stat().st_size for name in listed(self.path)}
        full = max(filter(is_full, sizes), default="")
        deltas = [size for name, size in sizes.items() if name > full]
        return len(deltas) >= _MAX_DELTAS or sum(deltas) > max(sizes.get(full, 0), _MIN_BYTES)

    def _check_alone(self) -> None:
        others = sorted(listed(self.path) - self._known)
        if others:
            raise StaleSnapshot(f"another learner has written {others[-1]} to {self.path}")

    def _is_sound(self, name: str) -> bool:
        try:
            read_header(self.path / name)
        except (CheckpointBroken, OSError):
            return False
        return True
