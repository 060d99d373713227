"""Laws of the checkpoints: what is loaded is what a plain model holds, however it was cut into files."""

import errno
import itertools
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from snapshots import NOW, PlainModel, Step, plain, run

from models.checkpoint import Checkpoints, NothingToFollow, StaleSnapshot
from models.checkpoint_file import SnapshotUneven
from models.snapshot import Rows, Snapshot

MIB = 2**20

_keys = st.frozensets(st.integers(-3, 3), max_size=4)
_steps = st.tuples(_keys, _keys)


@pytest.fixture
def checkpoints(tmp_path: Path) -> Checkpoints:
    return Checkpoints(tmp_path / "data" / "model")


def _again(tmp_path: Path) -> Checkpoints:
    return Checkpoints(tmp_path / "data" / "model")


def _names(tmp_path: Path) -> list[tuple[int, str]]:
    found = sorted((tmp_path / "data" / "model").iterdir())
    return [(int(path.stem), path.suffix[1:]) for path in found]


@given(st.lists(st.one_of(_steps, st.sampled_from(["compact", "restart", "whole"])), max_size=25))
@settings(max_examples=40)
def test_what_is_loaded_is_what_a_plain_model_holds(happenings: list[Step | str]) -> None:
    with TemporaryDirectory() as folder:
        checkpoints, model = Checkpoints(Path(folder)), PlainModel()
        for happening in happenings:
            if happening == "compact":
                checkpoints.compact(NOW)
            elif happening == "restart":
                checkpoints = Checkpoints(Path(folder))
            elif happening == "whole":
                model.version += 1
                checkpoints.append(model.whole(), NOW, whole=True)
            elif not isinstance(happening, str):
                checkpoints.append(model.step(happening), NOW)
            loaded = Checkpoints(Path(folder)).load()
            assert plain(loaded.snapshot) == (plain(model.whole()) if model.version else None)
            assert not loaded.passed_over


def test_nothing_is_loaded_from_no_folder_and_none_is_made(checkpoints: Checkpoints, tmp_path: Path) -> None:
    assert checkpoints.load() == (None, [])
    checkpoints.compact(NOW)
    assert not list(tmp_path.iterdir())


def test_the_first_file_is_full_and_the_next_ones_are_deltas(
    checkpoints: Checkpoints, tmp_path: Path
) -> None:
    for changed, _ in run(3):
        checkpoints.append(changed, NOW)
    assert _names(tmp_path) == [(1, "full"), (2, "delta"), (3, "delta")]


def test_three_full_states_are_kept_and_the_deltas_after_the_oldest(
    checkpoints: Checkpoints, tmp_path: Path
) -> None:
    for changed, _ in run(8):
        checkpoints.append(changed, NOW)
        if changed.version % 2 == 0:
            checkpoints.compact(NOW)
    kinds = [(4, "full"), (5, "delta"), (6, "delta"), (6, "full"), (7, "delta"), (8, "delta"), (8, "full")]
    assert _names(tmp_path) == kinds
    with pytest.MonkeyPatch.context() as patch:
        patch.delattr("os.fsync")  # nothing new, nothing written
        checkpoints.compact(NOW)
    assert _names(tmp_path) == kinds


def test_loaded_arrays_are_the_callers_own(checkpoints: Checkpoints) -> None:
    ((changed, whole),) = run(1)
    checkpoints.append(changed, NOW)
    for _ in range(2):
        loaded, _ = checkpoints.load()
        assert loaded is not None
        assert plain(loaded) == plain(whole)
        for array in (loaded.rows.key, *loaded.rows.columns.values()):
            array[:] = 1


def test_a_snapshot_that_is_not_newer_is_refused(checkpoints: Checkpoints, tmp_path: Path) -> None:
    (first, _), (second, state) = run(2)
    checkpoints.append(first, NOW)
    checkpoints.append(second, NOW)
    for stale in (first, second):
        for writer, whole in itertools.product((checkpoints, _again(tmp_path)), (False, True)):
            with pytest.raises(StaleSnapshot, match="version 2"):
                writer.append(stale, NOW, whole=whole)
    assert plain(checkpoints.load().snapshot) == plain(state)


@pytest.mark.parametrize("whole", [False, True])
def test_a_learner_is_refused_once_another_has_written(
    checkpoints: Checkpoints, tmp_path: Path, *, whole: bool
) -> None:
    (first, _), (second, state), (third, _) = run(3)
    checkpoints.append(first, NOW)
    _again(tmp_path).append(second, NOW)
    with pytest.raises(StaleSnapshot, match="another"):
        checkpoints.append(third, NOW, whole=whole)
    assert plain(_again(tmp_path).load().snapshot) == plain(state)


def test_a_learner_that_is_overtaken_while_it_writes_is_refused(
    checkpoints: Checkpoints, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (first, _), (second, state), (third, _) = run(3)
    checkpoints.append(first, NOW)
    other = _again(tmp_path)
    other.load()

    def overtaken(_: int) -> None:
        monkeypatch.undo()
        (tmp_path / "data" / "model" / "00000000000000000003.delta.unfinished").unlink()
        other.append(second, NOW)

    monkeypatch.setattr("os.fsync", overtaken)
    with pytest.raises(StaleSnapshot):
        checkpoints.append(third, NOW)
    assert plain(_again(tmp_path).load().snapshot) == plain(state)


def test_a_learner_that_is_overtaken_neither_compacts_nor_drops(
    checkpoints: Checkpoints, tmp_path: Path
) -> None:
    (first, _), (second, _), (third, state) = run(3)
    checkpoints.append(first, NOW)
    checkpoints.append(second, NOW)
    _again(tmp_path).append(third, NOW)
    before = _names(tmp_path)
    with pytest.raises((StaleSnapshot, NothingToFollow)):
        checkpoints.compact(NOW)
    assert _names(tmp_path) == before
    assert plain(_again(tmp_path).load().snapshot) == plain(state)


def test_a_delta_of_what_is_gone_is_refused_and_a_whole_state_is_not(
    checkpoints: Checkpoints, tmp_path: Path
) -> None:
    (first, _), (second, state) = run(2)
    checkpoints.append(first, NOW)
    (tmp_path / "data" / "model" / "00000000000000000001.full").unlink()
    with pytest.raises(NothingToFollow, match="whole state"):
        checkpoints.append(second, NOW)
    checkpoints.append(state, NOW, whole=True)
    assert plain(_again(tmp_path).load().snapshot) == plain(state)


def test_compacting_stops_where_what_was_appended_cannot_be_read_back(
    checkpoints: Checkpoints, tmp_path: Path
) -> None:
    (first, _), (second, _), (third, state) = run(3)
    checkpoints.append(first, NOW)
    checkpoints.append(second, NOW)
    (tmp_path / "data" / "model" / "00000000000000000002.delta").write_bytes(b"")
    with pytest.raises(NothingToFollow, match=r"2.delta.*0 bytes"):
        checkpoints.compact(NOW)
    checkpoints.append(state, NOW, whole=True)
    assert plain(_again(tmp_path).load().snapshot) == plain(state)
    assert third.version == state.version


def test_what_could_not_even_be_begun_is_written_with_the_next(
    checkpoints: Checkpoints, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (first, _), (second, _), (third, state) = run(3)
    checkpoints.append(first, NOW)

    def unreadable(_: Path) -> set[str]:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr("models.checkpoint_folder.listed", unreadable)
    with pytest.raises(OSError, match="Too many"):
        checkpoints.append(second, NOW)
    monkeypatch.undo()
    checkpoints.append(third, NOW)
    assert plain(_again(tmp_path).load().snapshot) == plain(state)


def _longer(snapshot: Snapshot) -> Snapshot:
    return snapshot._replace(names=[*snapshot.names, "one more"])


def _wider(snapshot: Snapshot) -> Snapshot:
    rows = snapshot.rows
    return snapshot._replace(
        rows=Rows(rows.key, rows.columns | {"weight": np.zeros((len(rows.key), 8), "f4")})
    )


def _other_column(snapshot: Snapshot) -> Snapshot:
    return snapshot._replace(rows=Rows(snapshot.rows.key, {"bias": snapshot.rows.key}))


def _objects(snapshot: Snapshot) -> Snapshot:
    return snapshot._replace(rows=Rows(snapshot.rows.key, {"bias": snapshot.rows.key.astype(object)}))


@pytest.mark.parametrize("spoilt", [_longer, _wider, _other_column, _objects])
def test_columns_that_do_not_fit_are_refused_and_change_nothing(
    checkpoints: Checkpoints, tmp_path: Path, spoilt: Callable[[Snapshot], Snapshot]
) -> None:
    (first, _), (second, state) = run(2)
    checkpoints.append(first, NOW)
    with pytest.raises(SnapshotUneven):
        checkpoints.append(spoilt(second), NOW)
    checkpoints.append(second, NOW)
    assert plain(_again(tmp_path).load().snapshot) == plain(state)


def test_compacting_is_due_after_sixty_deltas(checkpoints: Checkpoints) -> None:
    for changed, _ in run(61):
        assert not checkpoints.is_due()
        checkpoints.append(changed, NOW)
    assert checkpoints.is_due()
    checkpoints.compact(NOW)
    assert not checkpoints.is_due()


def test_compacting_is_due_once_the_deltas_outweigh_the_full_state(checkpoints: Checkpoints) -> None:
    due = []
    for version, size in enumerate((16, 9, 6, 2), start=1):
        rows = Rows(np.arange(size), {"weight": np.full((size, MIB // 4), version, np.float32)})
        checkpoints.append(Snapshot(version, {}, rows, np.empty(0, np.int64), [""] * size), NOW)
        due.append(checkpoints.is_due())
    assert due == [False, False, False, True]  # 9 + 6 + 2 > 16


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 100,000 rows, and ten deltas of 6,000 rows."""
    folder = tmp_path_factory.mktemp("large")
    draw = np.random.default_rng(0)
    checkpoints = Checkpoints(folder)
    key = draw.permutation(100_000) + 1
    checkpoints.append(_large(1, key), NOW)
    for version in range(2, 12):
        checkpoints.append(_large(version, draw.choice(key, 6_000, replace=False)), NOW)
    return folder


def _large(version: int, key: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Snapshot:
    columns = {
        "weight": np.full((len(key), 64), version, np.float32),
        "square": np.ones(len(key), np.float32),
        "count": np.ones(len(key), np.float32),
    }
    names = [f"item-{number}" for number in key.tolist()]
    return Snapshot(version, {}, Rows(key, columns), np.empty(0, np.int64), names)


def test_a_large_shop_is_loaded_within_a_second_and_a_half(large: Path) -> None:
    taken = []
    for _ in range(3):
        started = time.perf_counter()
        loaded, passed_over = Checkpoints(large).load()
        taken.append(time.perf_counter() - started)
        assert loaded is not None
        assert not passed_over
        assert loaded.names[4] == f"item-{loaded.rows.key[4]}" == "item-5"
    assert min(taken) < 1.5


def test_appending_6000_rows_takes_under_20_ms_besides_the_disk(
    large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.fsync", lambda _: None)
    checkpoints = Checkpoints(large)
    checkpoints.load()
    taken = []
    for version in range(100, 105):
        changed = _large(version, np.arange(1, 6_001))
        started = time.perf_counter()
        checkpoints.append(changed, NOW)
        taken.append(time.perf_counter() - started)
    assert min(taken) < 0.020
