"""What a storm does to the data folder of a worker; each returns the seconds until it was ready again.

A worker that cannot use what is left there must say so, in a line that starts with ``headrace:``; then
it does what the line says: the folder is deleted.
"""

import shutil
from pathlib import Path
from random import Random
from typing import Final

from stream.chaos.member import Member
from stream.chaos.system import System
from stream.chaos.wait import StormFailed, until
from stream.demo_child import WorkerEnded

__all__ = ["corrupt", "delete_files", "fill_disk", "truncate", "wipe"]

_SPOILT_BYTES: Final = 64
_END_SECONDS: Final = 120.0
# Of rocksdb: what it says, what it was opened with, and its name.
_STATELESS: Final = ("LOG", "OPTIONS", "IDENTITY")
_WORD: Final = "headrace:"


def wipe(system: System, draw: Random) -> float:
    """Kill a worker and delete all that it has on disk."""
    member = _killed(system, draw)
    shutil.rmtree(member.data)
    member.start()
    return member.until_ready()


def corrupt(system: System, draw: Random) -> float:
    """Kill a worker and overwrite a run of bytes in one of its files."""
    member = _killed(system, draw)
    file = _some_file(member, draw)
    with file.open("r+b") as opened:
        opened.seek(draw.randrange(max(1, file.stat().st_size)))
        opened.write(draw.randbytes(_SPOILT_BYTES))
    return _start_or_refuse(member)


def truncate(system: System, draw: Random) -> float:
    """Kill a worker and cut off the end of one of its files."""
    member = _killed(system, draw)
    file = _some_file(member, draw)
    with file.open("r+b") as opened:
        opened.truncate(draw.randrange(max(1, file.stat().st_size)))
    return _start_or_refuse(member)


def delete_files(system: System, draw: Random) -> float:
    """Kill a worker and delete one of its files."""
    member = _killed(system, draw)
    _some_file(member, draw).unlink()
    return _start_or_refuse(member)


def fill_disk(system: System, draw: Random) -> float:
    """Let a worker find that no file can grow any more; it must end, and start where there is room again.

    A limit on the size of files stands in for a full disk, which needs rights that tests do not have.

    Raises
    ------
    StormFailed
        If it goes on.
    """
    system.let_events_flow(draw)
    member = system.one_of(draw)
    member.limit_files(0)
    until(lambda: member.is_casualty, "a worker ends that cannot write", _END_SECONDS)
    member.until_ended()
    member.start()
    return member.until_ready()


def _killed(system: System, draw: Random) -> Member:
    """Let events flow for a moment, then kill a worker; return it."""
    system.let_events_flow(draw)
    member = system.one_of(draw)
    member.kill()
    return member


def _some_file(member: Member, draw: Random) -> Path:
    """Return one of the files that hold state."""
    files = (path for path in member.data.rglob("*") if path.is_file() and path.stat().st_size)
    return draw.choice(sorted(path for path in files if not path.name.startswith(_STATELESS)))


def _start_or_refuse(member: Member) -> float:
    heard = member.log.stat().st_size
    member.start()
    try:
        return member.until_ready()
    except WorkerEnded as ended:
        member.until_ended()
        if _WORD not in member.words_since(heard):
            raise StormFailed("a worker with a damaged folder ended without a word") from ended
    shutil.rmtree(member.data)
    member.start()
    return member.until_ready()
