"""Laws of the checkpoints under crashes: the old state or the new one, whatever the moment."""

import errno
import os
import resource
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import checkpoint_writer
import numpy as np
import pytest
from snapshots import NOW, plain, run

from models.checkpoint import Checkpoints
from models.checkpoint_chain import listed

BEFORE = 8  # versions on the disk before the crash
KILLS = 3


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with three full states and deltas after the newest."""
    folder = tmp_path / "model"
    checkpoints = Checkpoints(folder)
    for changed, _ in run(BEFORE):
        checkpoints.append(changed, NOW)
        if changed.version in (2, 4, 6):
            checkpoints.compact(NOW)
    return folder


def _opened(folder: Path) -> Checkpoints:
    checkpoints = Checkpoints(folder)
    checkpoints.load()
    return checkpoints


def _append(checkpoints: Checkpoints) -> None:
    checkpoints.append(run(BEFORE + 1)[-1][0], NOW)


def _compact(checkpoints: Checkpoints) -> None:
    checkpoints.compact(NOW)


def _state(version: int) -> Any:
    return plain(run(version)[-1][1])


@contextmanager
def _before_each_call(told: Callable[[str], None]) -> Iterator[None]:
    """Tell of each call that changes the disk just before it is made."""
    with pytest.MonkeyPatch.context() as patch:
        for owner, name in ((os, "fsync"), (Path, "replace"), (Path, "unlink"), (Path, "open")):
            real = getattr(owner, name)

            def call(*given: Any, real: Any = real, name: str = name, **named: Any) -> Any:
                is_folder = name == "fsync" and stat.S_ISDIR(os.fstat(given[0]).st_mode)
                if name != "open" or "xb" in given:
                    told(f"{name} of folder" if is_folder else name)
                return real(*given, **named)

            patch.setattr(owner, name, call)
        yield


@pytest.mark.parametrize("change", [_append, _compact])
def test_a_crash_at_any_moment_leaves_the_old_state_or_the_new_one(
    folder: Path, change: Callable[[Checkpoints], None]
) -> None:
    checkpoints, old = _opened(folder), _state(BEFORE)
    moments: list[Path] = []

    def keep(_: str) -> None:
        moments.append(folder.with_name(f"moment-{len(moments)}"))
        shutil.copytree(folder, moments[-1])

    with _before_each_call(keep):
        change(checkpoints)
    keep("the end")
    new = plain(checkpoints.load().snapshot)
    assert len(moments) > 4
    for moment in moments:
        after = Checkpoints(moment)
        loaded, passed_over = after.load()
        assert plain(loaded) in (old, new)
        assert not passed_over
        assert loaded is not None
        changed, whole = run(loaded.version + 1)[-1]
        after.append(changed, NOW)
        assert plain(Checkpoints(moment).load().snapshot) == plain(whole)
        assert {path.name for path in moment.iterdir()} == listed(moment)  # nothing unfinished is left


@pytest.mark.parametrize("change", [_append, _compact])
def test_a_file_is_on_the_disk_before_its_name_and_its_name_before_old_ones_go(
    folder: Path, change: Callable[[Checkpoints], None]
) -> None:
    checkpoints, calls = _opened(folder), list[str]()
    with _before_each_call(calls.append):
        change(checkpoints)
    # The first to be unlinked is the name beside, which is gone already.
    assert calls[:5] == ["open", "fsync", "replace", "unlink", "fsync of folder"]
    assert set(calls[5:]) == ({"unlink"} if change is _compact else set())


@contextmanager
def _no_space(call: str) -> Iterator[None]:
    """Let one call fail as it does on a full disk."""

    def fail(told: str) -> None:
        if told == call:
            raise OSError(errno.ENOSPC, "No space left on device")

    with _before_each_call(fail):
        yield


@contextmanager
def _small_files() -> Iterator[None]:
    """Let the system stop a write in its middle."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (700, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


_FAULTS = {
    "writing": _small_files,
    "opening": lambda: _no_space("open"),
    "fsync": lambda: _no_space("fsync"),
    "renaming": lambda: _no_space("replace"),
    "fsync of the folder": lambda: _no_space("fsync of folder"),
}


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("fault", _FAULTS)
def test_what_a_full_disk_refused_is_written_with_the_next(folder: Path, fault: str, *, whole: bool) -> None:
    checkpoints, moments = _opened(folder), run(BEFORE + 3)
    first = moments[BEFORE][1] if whole else moments[BEFORE][0]
    with _FAULTS[fault](), pytest.raises(OSError, match=r"space|large"):
        checkpoints.append(first, NOW, whole=whole)
    assert {path.name for path in folder.iterdir()} == listed(folder)  # nothing half written is left
    for version in (BEFORE + 2, BEFORE + 3):
        checkpoints.append(moments[version - 1][0], NOW)
        loaded, passed_over = Checkpoints(folder).load()
        assert plain(loaded) == _state(version)
        assert not passed_over


@pytest.mark.parametrize("fault", _FAULTS)
def test_a_full_disk_while_compacting_costs_nothing(folder: Path, fault: str) -> None:
    checkpoints = _opened(folder)
    before = listed(folder)
    with _FAULTS[fault](), pytest.raises(OSError, match=r"space|large"):
        checkpoints.compact(NOW)
    assert before <= listed(folder)
    _append(checkpoints)
    assert plain(Checkpoints(folder).load().snapshot) == _state(BEFORE + 1)
    checkpoints.compact(NOW)
    assert plain(Checkpoints(folder).load().snapshot) == _state(BEFORE + 1)


def test_what_was_appended_survives_kill_9(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    command = [sys.executable, checkpoint_writer.__file__, str(tmp_path / "model")]
    version = 0
    for _ in range(KILLS):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            told = [int(writer.stdout.readline()) for _ in range(draw.integers(1, 30))]
            writer.kill()
            told += [int(line) for line in writer.stdout.read().splitlines()]
        assert told == list(range(version + 1, version + 1 + len(told)))
        loaded, passed_over = Checkpoints(tmp_path / "model").load()
        assert loaded is not None
        assert not passed_over
        assert loaded.version >= told[-1]
        assert plain(loaded) == plain(run(loaded.version)[-1][1])
        version = loaded.version
