"""A folder of checkpoints: which files it has, and which of them lead to the newest state."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from models.checkpoint_file import CheckpointBroken, read, read_header
from models.checkpoint_header import Header, Mark
from models.errors import ModelError
from models.snapshot import Snapshot

__all__ = ["CheckpointChain", "Examined", "examined", "is_full", "listed", "newest_chain", "version_of"]

_NAME: Final = re.compile(r"\d{20}\.(full|delta)")


class Link(NamedTuple):
    """A file that was read."""

    header: Header
    snapshot: Snapshot


class CheckpointChain(NamedTuple):
    """A full state and the changes that follow it, the oldest first; no links where there is no whole state.

    ``passed_over`` says of each file that was tried in vain what is wrong with it.
    """

    links: list[Link]
    passed_over: list[str]


class Examined(NamedTuple):
    """A file as it was found; ``wrong`` says why it is of no use, ``header`` is None where that is broken."""

    name: str
    size: int  # bytes
    header: Header | None
    wrong: str | None


def listed(folder: Path) -> set[str]:
    """Return the names of the checkpoints in a folder; none where there is no folder."""
    if not folder.is_dir():
        return set()
    return {path.name for path in folder.iterdir() if _NAME.fullmatch(path.name)}


def version_of(name: str) -> int:
    """Return the version that a file's name tells."""
    return int(name.partition(".")[0])


def is_full(name: str) -> bool:
    """Return whether a file's name says that it holds a state as a whole."""
    return name.endswith(".full")


def examined(folder: Path) -> Iterator[Examined]:
    """Yield all files of a folder with every byte checked, the oldest first."""
    for name in sorted(listed(folder)):
        path, size, header = folder / name, 0, None
        try:
            size = path.stat().st_size
            header = read_header(path)
            read(path)
        except FileNotFoundError:  # dropped since it was listed
            continue
        except (ModelError, OSError) as error:
            yield Examined(name, size, header, str(error))
        else:
            yield Examined(name, size, header, None)


def newest_chain(folder: Path) -> CheckpointChain:
    """Return the files that lead to the newest state that is whole, read and checked.

    Raises
    ------
    CheckpointForeign
        If a file is of another format.
    """
    return _Search(folder).run()


class _Search:
    """From the newest state back to a full one, over whatever is broken."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._wrong: dict[str, str] = {}  # by file
        self._names: dict[tuple[bytes, str], str] = {}  # by digest of the state, and kind
        self._marks: dict[bytes, Mark] = {}  # by digest

    def run(self) -> CheckpointChain:
        for name in sorted(listed(self._folder)):
            self._enter(name)
        links: list[Link] = []
        for mark in sorted(self._marks.values(), key=lambda mark: mark.version, reverse=True):
            links = links or self._back_from(mark)
        return CheckpointChain(links, [f"{name}: {reason}" for name, reason in sorted(self._wrong.items())])

    def _enter(self, name: str) -> None:
        try:
            header = read_header(self._folder / name)
        except (CheckpointBroken, OSError) as error:
            self._wrong[name] = str(error)
            return
        self._names[header.mark.digest, header.kind] = name
        self._marks[header.mark.digest] = header.mark

    def _back_from(self, mark: Mark) -> list[Link]:
        """Return the links up to a state, the oldest first; none where one is missing."""
        links: list[Link] = []
        wanted: Mark | None = mark
        while wanted is not None:
            link = self._read(wanted)
            if link is None:
                self._give_up(wanted, links)
                return []
            links.append(link)
            wanted = link.header.base
        return links[::-1]

    def _read(self, mark: Mark) -> Link | None:
        """Return the state as a whole where a file has it so, else as a change of the one before."""
        for kind in ("full", "delta"):
            name = self._names.get((mark.digest, kind))
            if name is None or name in self._wrong:
                continue
            try:
                return Link(*read(self._folder / name))
            except (CheckpointBroken, OSError) as error:
                self._wrong[name] = str(error)
        return None

    def _give_up(self, missing: Mark, links: list[Link]) -> None:
        for link in links:
            reason = f"follows version {missing.version}, which is missing or broken"
            self._wrong[link.header.name] = reason
