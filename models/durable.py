"""Files that are there as a whole or not at all, also after a crash or a loss of power."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

__all__ = ["make_folder", "sweep", "sync_folder", "unfinished"]

_SUFFIX: Final = ".unfinished"


@contextmanager
def unfinished(path: Path, pieces: Iterable[bytes | memoryview]) -> Iterator[Path]:
    """Write a file beside ``path`` and have it on the disk; it is removed at the end unless renamed by then.

    Raises
    ------
    FileExistsError
        If another is writing the same file.
    OSError
        If it cannot be written.
    """
    beside = path.with_name(path.name + _SUFFIX)
    try:
        with beside.open("xb") as file:
            for piece in pieces:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        yield beside
    finally:
        beside.unlink(missing_ok=True)


def sweep(folder: Path) -> None:
    """Remove the files that a crash left unfinished."""
    for stray in folder.glob(f"*{_SUFFIX}"):
        stray.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk: a renamed file keeps its new name after a loss of power."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, where they are not there yet."""
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        sync_folder(folder.parent)
