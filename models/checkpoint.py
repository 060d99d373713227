"""The learner's checkpoints: snapshots kept in a folder so that the newest whole state survives any crash."""

from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from models.checkpoint_chain import CheckpointChain, newest_chain, version_of
from models.checkpoint_file import Packed, SnapshotUneven, pack
from models.checkpoint_folder import CheckpointFolder, StaleSnapshot
from models.checkpoint_header import Header
from models.errors import ModelError
from models.merging import merged
from models.snapshot import Snapshot

__all__ = ["Checkpoints", "Loaded", "NothingToFollow", "StaleSnapshot"]

_NONE: Final = np.empty(0, np.int64)


class NothingToFollow(ModelError):
    """The file that a delta would follow is not there any more: a whole snapshot must be appended."""


class Loaded(NamedTuple):
    """The newest state that is whole, None where there is none, and what was wrong with newer files."""

    snapshot: Snapshot | None
    passed_over: list[str]


class Checkpoints:
    """A folder with one file a snapshot: full states, and deltas that each follow the state before.

    One learner writes to it, from one thread at a time; it gets host arrays and touches nothing else.

    Parameters
    ----------
    folder
        Made when it is first written to.
    passing
        Called with the name of each place where a crash leaves something unfinished, for tests of crashes.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from models.snapshot import Rows
    >>> def of(version, keys):
    ...     none = np.empty(0, np.int64)
    ...     rows = Rows(np.array(keys), {"count": np.full(len(keys), version, np.float32)})
    ...     return Snapshot(version, {"offset": version}, rows, none, ["hat"] * len(keys))
    >>> with TemporaryDirectory() as folder:
    ...     checkpoints = Checkpoints(Path(folder))
    ...     checkpoints.append(of(1, [7, 8]), now=1_700_000_000_000)
    ...     checkpoints.append(of(2, [8]), now=1_700_000_001_000)
    ...     newest, passed_over = checkpoints.load()
    >>> newest.dense, newest.rows.columns["count"].tolist(), passed_over
    ({'offset': 2}, [1.0, 2.0], [])
    """

    def __init__(self, folder: Path, passing: Callable[[str], object] = lambda _: None) -> None:
        self._folder = CheckpointFolder(folder, passing)
        self._looked = False
        self._newest = -1  # version
        self._tip: Header | None = None  # what the next delta follows; None: the next one is full
        self._useless: frozenset[str] = frozenset()  # files newer than what could be loaded
        self._unsaved: Snapshot | None = None

    def load(self) -> Loaded:
        """Return the newest state that is whole; what is appended from now on follows it.

        Raises
        ------
        CheckpointForeign
            If the folder has files of another format.
        """
        chain = self._look()
        return Loaded(self._whole(chain) if chain.links else None, chain.passed_over)

    def append(self, snapshot: Snapshot, now: int, *, whole: bool = False) -> None:
        """Write what has changed since the snapshot before, or the whole state, and have it on the disk.

        The first ever is a whole state. What could not be written is kept, and written with the next one.

        Parameters
        ----------
        snapshot
            With the names of all its items. Its arrays must not change until this returns, nor later if it
            raises.
        now
            The clock, in milliseconds since the Unix epoch.
        whole
            That the snapshot is a whole state, which follows none before.

        Raises
        ------
        StaleSnapshot
            If it is not newer than what is there, or another has written since.
        NothingToFollow
            If what it follows is not there any more.
        SnapshotUneven
            If its columns do not fit together, or are not those of the snapshot before.
        OSError
            If it cannot be written: a full disk, say.
        """
        if self._unsaved is not None and not whole:
            snapshot = merged([self._unsaved, snapshot])
        try:
            tip = self._followed_by(snapshot, whole=whole)
            packed = _packed(snapshot, tip, now)
            self._tip = tip
            self._write(packed)
        except OSError:
            self._unsaved = snapshot
            raise
        self._unsaved = None
        self._folder.drop(self._useless - {packed.header.name})
        self._useless = frozenset()

    def is_due(self) -> bool:
        """Return whether `compact` is worth its while: the deltas are many, or outweigh the full state."""
        return self._folder.is_due()

    def compact(self, now: int) -> None:
        """Write the newest state as a whole, from the files alone, and drop what is older than three such.

        Nothing is dropped before the new file is on the disk. Raises as `append` does, `NothingToFollow`
        where the files do not lead to what was appended last.
        """
        chain = newest_chain(self._folder.path) if self._looked else self._look()
        if self._tip is None:
            return
        if not chain.links or chain.links[-1].header.mark != self._tip.mark:
            raise NothingToFollow(f"{'; '.join(chain.passed_over)}: append the whole state")
        if len(chain.links) > 1:
            self._write(pack(self._whole(chain), None, now, self._tip.mark))
            self._folder.prune()

    def _followed_by(self, snapshot: Snapshot, *, whole: bool) -> Header | None:
        """Return the file that a snapshot follows, None where it is a whole state."""
        if not self._looked:
            self._look()
        if snapshot.version <= self._newest:
            raise StaleSnapshot(f"{self._folder.path} has version {self._newest}, this is {snapshot.version}")
        tip = None if whole else self._tip
        if tip is not None and not self._folder.has(tip.name):
            raise NothingToFollow(f"{tip.name} is gone from {self._folder.path}: append the whole state")
        return tip

    def _look(self) -> CheckpointChain:
        known = self._folder.look()
        chain = newest_chain(self._folder.path)
        self._looked, self._unsaved = True, None
        self._tip = chain.links[-1].header if chain.links else None
        self._newest = self._tip.mark.version if self._tip else -1
        self._useless = frozenset(name for name in known if version_of(name) > self._newest)
        return chain

    def _whole(self, chain: CheckpointChain) -> Snapshot:
        whole = merged([link.snapshot for link in chain.links])
        return whole._replace(removed=_NONE)

    def _write(self, packed: Packed) -> None:
        self._folder.write(packed)
        self._tip, self._newest = packed.header, packed.header.mark.version


def _packed(snapshot: Snapshot, tip: Header | None, now: int) -> Packed:
    if tip is None:
        return pack(snapshot._replace(removed=_NONE), None, now)
    packed = pack(snapshot, tip.mark, now)
    if packed.header.form != tip.form:
        raise SnapshotUneven(f"columns of {packed.header.form} cannot follow those of {tip.form}")
    return packed
