"""Laws of the checkpoints under damage: the newest state that is left is loaded, never a mixture."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from snapshots import NOW, plain, run, write_as_format

from models.checkpoint import Checkpoints
from models.checkpoint_chain import examined, listed
from models.checkpoint_file import CheckpointBroken, CheckpointForeign, read

STEPS = 9
# Full states of versions 1, 3 and 6, and every delta after the first.
FULLS = (1, 3, 6)
STATES = {whole.version: plain(whole) for _, whole in run(STEPS)}
FILES = [f"{version:020d}.{kind}" for version in range(1, STEPS + 1) for kind in ("full", "delta")]
FILES = [name for name in FILES if (int(name[:20]) in FULLS if name.endswith("full") else int(name[:20]) > 1)]

# Of a file's bytes: what is left of them.
Damage = Callable[[bytes], bytes]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    checkpoints = Checkpoints(folder)
    for changed, _ in run(STEPS):
        checkpoints.append(changed, NOW)
        if changed.version in FULLS:
            checkpoints.compact(NOW)
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    return folder


def _cut(share: float) -> Damage:
    return lambda raw: raw[: int(share * len(raw))]


def _flipped(share: float, bit: int) -> Damage:
    def flip(raw: bytes) -> bytes:
        place = int(share * len(raw))
        return raw[:place] + bytes([raw[place] ^ (1 << bit)]) + raw[place + 1 :]

    return flip


_shares = st.floats(0, 1, exclude_max=True)
_damages = st.one_of(
    st.builds(_cut, _shares),
    st.builds(_flipped, _shares, st.integers(0, 7)),
    st.just(lambda raw: raw + b"\0"),
    st.just(lambda _: b"another file"),
)


def _newest_left(broken: set[str]) -> int | None:
    """Return the newest version that a full state and the deltas after it lead to."""

    def is_reached(version: int) -> bool:
        whole, change = f"{version:020d}.full", f"{version:020d}.delta"
        if whole in FILES and whole not in broken:
            return True
        return change in FILES and change not in broken and is_reached(version - 1)

    return max(filter(is_reached, range(1, STEPS + 1)), default=None)


@given(st.dictionaries(st.sampled_from(FILES), _damages, max_size=5))
@settings(max_examples=60)
@example({FILES[-1]: _cut(0)})
@example(dict.fromkeys(FILES, _cut(0)))
def test_the_newest_state_that_is_left_is_loaded_and_can_be_followed(
    folder: Path, damages: dict[str, Damage]
) -> None:
    with TemporaryDirectory() as place:
        damaged = Path(place) / "model"
        shutil.copytree(folder, damaged)
        for name, damage in damages.items():
            (damaged / name).write_bytes(damage((damaged / name).read_bytes()))
        checkpoints = Checkpoints(damaged)
        loaded, passed_over = checkpoints.load()
        left = _newest_left(set(damages))
        assert plain(loaded) == (STATES[left] if left else None)
        newer = {name for name in damages if int(name[:20]) > (left or 0)}
        assert newer <= {reason.partition(":")[0] for reason in passed_over}
        wrong = {file.name for file in examined(damaged) if file.wrong}
        assert wrong == set(damages)
        changed, whole = run((left or 0) + 1)[-1]
        checkpoints.append(changed if left else whole, NOW)
        assert plain(Checkpoints(damaged).load().snapshot) == plain(whole)


def test_no_byte_of_a_file_can_be_cut_or_changed_unnoticed(tmp_path: Path, folder: Path) -> None:
    raw, path = (folder / FILES[-1]).read_bytes(), tmp_path / FILES[-1]
    path.write_bytes(raw)
    with path.open("r+b", buffering=0) as file:
        for place in range(len(raw)):
            os.pwrite(file.fileno(), bytes([raw[place] ^ 0x10]), place)
            with pytest.raises(CheckpointBroken):
                read(path)
            os.pwrite(file.fileno(), raw[place : place + 1], place)
        assert read(path)
        for length in reversed(range(len(raw))):
            file.truncate(length)
            with pytest.raises(CheckpointBroken):
                read(path)


def test_what_could_not_be_reached_is_gone_once_another_history_begins(tmp_path: Path, folder: Path) -> None:
    damaged = tmp_path / "model"
    shutil.copytree(folder, damaged)
    (damaged / FILES[-3]).write_bytes(b"")
    checkpoints = Checkpoints(damaged)
    checkpoints.load()
    other = run(7)[-1][0]._replace(dense={"another": "history"})
    checkpoints.append(other, NOW)
    assert listed(damaged) == set(FILES[:-2])
    newest, passed_over = Checkpoints(damaged).load()
    assert plain(newest) == plain(run(7)[-1][1]._replace(dense={"another": "history"}))
    assert not passed_over


def test_a_full_state_that_is_cut_short_counts_as_none_of_the_three(tmp_path: Path, folder: Path) -> None:
    damaged = tmp_path / "model"
    shutil.copytree(folder, damaged)
    newest = damaged / f"{6:020d}.full"
    newest.write_bytes(newest.read_bytes()[:-1])
    Checkpoints(damaged).compact(NOW)
    assert listed(damaged) == {*FILES, f"{9:020d}.full"}


def test_no_file_is_read_twice_however_long_the_chain_that_leads_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoints, files_read = Checkpoints(tmp_path), list[Path]()
    for changed, _ in run(30):
        checkpoints.append(changed, NOW)
    (tmp_path / FILES[0]).write_bytes(b"")

    def counted(path: Path) -> Any:
        files_read.append(path)
        return read(path)

    monkeypatch.setattr("models.checkpoint_chain.read", counted)
    loaded, passed_over = checkpoints.load()
    assert loaded is None
    assert len(passed_over) == 30
    assert len(files_read) == len(set(files_read)) == 29


def test_a_delta_follows_no_other_state_of_the_same_version(tmp_path: Path) -> None:
    one, other = Checkpoints(tmp_path / "one"), Checkpoints(tmp_path / "other")
    for changed, _ in run(4):
        one.append(changed, NOW)
        other.append(changed._replace(dense={"another": "history"}), NOW)
    name = f"{3:020d}.delta"
    shutil.copy(tmp_path / "other" / name, tmp_path / "one" / name)
    loaded, passed_over = Checkpoints(tmp_path / "one").load()
    assert plain(loaded) == STATES[2]
    assert len(passed_over) == 2


def test_a_file_under_another_name_is_broken(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / FILES[-1]
    shutil.copy(folder / FILES[-2], path)
    with pytest.raises(CheckpointBroken, match="another name"):
        read(path)


@pytest.mark.parametrize("name", [FILES[0], FILES[-1]])
def test_another_format_is_refused_with_a_word_of_what_to_do(tmp_path: Path, folder: Path, name: str) -> None:
    foreign = tmp_path / "model"
    shutil.copytree(folder, foreign)
    write_as_format(foreign / name, 99)
    with pytest.raises(CheckpointForeign, match=r"format 99.*start the version that wrote it") as error:
        Checkpoints(foreign).load()
    assert "\n" not in str(error.value)
    with pytest.raises(CheckpointForeign):
        Checkpoints(foreign).append(run(STEPS + 1)[-1][0], NOW)
