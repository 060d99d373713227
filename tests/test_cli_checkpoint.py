"""`headrace checkpoint inspect`: every file, and what a worker would start from."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from snapshots import NOW, run

from models.checkpoint import Checkpoints
from stream.cli import main


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HEADRACE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "120")
    return tmp_path / "model"


@pytest.fixture
def filled(folder: Path) -> Path:
    checkpoints = Checkpoints(folder)
    for changed, _ in run(4):
        checkpoints.append(changed, NOW + 1000 * changed.version)
    return folder


def _inspect(*arguments: str) -> tuple[int, list[list[str]], str]:
    result = CliRunner().invoke(main, ["checkpoint", "inspect", *arguments])
    return result.exit_code, [line.split() for line in result.stdout.splitlines()], result.stderr


def test_files_and_what_they_lead_to_are_shown(filled: Path) -> None:
    status, lines, _ = _inspect()
    assert status == 0
    assert _inspect(str(filled)) == (0, lines, "")
    size = f"{(filled / f'{1:020d}.full').stat().st_size:,}"
    assert ["full", "1", "2023-11-14", "22:13:21", "1", "0", size, "valid"] in lines
    assert [line[:3] for line in lines if line[0] == "delta"] == [
        ["delta", "2", "1"],
        ["delta", "3", "2"],
        ["delta", "4", "3"],
    ]
    last = lines[-5:]
    assert last == [
        ["version", "4"],
        ["rows", f"{len(run(4)[-1][1].rows.key)}"],
        ["offsets", "dict", "of", "1"],
        ["random", "bytes", "of", "1"],
        ["loss", "list", "of", "2"],
    ]


def test_a_broken_file_is_named_and_passed_over(filled: Path) -> None:
    (filled / f"{3:020d}.delta").write_bytes(b"headrace")
    before = {path.name: path.read_bytes() for path in filled.iterdir()}
    status, lines, _ = _inspect()
    assert status == 0
    assert ["delta", "3", "8", "broken"] in lines
    assert ["version", "2"] in lines
    assert [line[2] for line in lines if line[:2] == ["passed", "over"]] == [
        f"{3:020d}.delta:",
        f"{4:020d}.delta:",
    ]
    assert {path.name: path.read_bytes() for path in filled.iterdir()} == before


def test_no_checkpoint_is_one_line_and_status_1(folder: Path) -> None:
    status, lines, errors = _inspect()
    assert (status, lines, errors.count("\n")) == (1, [], 1)
    assert str(folder) in errors


def test_no_whole_state_is_one_line_and_status_1(filled: Path) -> None:
    (filled / f"{1:020d}.full").write_bytes(b"")
    status, lines, errors = _inspect()
    assert (status, errors.count("\n")) == (1, 1)
    assert "follows version 1" in errors or "cut short" in errors
    assert ["delta", "4", "3"] in [line[:3] for line in lines]


def test_a_folder_that_is_not_there_is_a_wrong_call(folder: Path) -> None:
    status, _, errors = _inspect(str(folder / "nothing"))
    assert (status, errors.count("\n")) == (2, 1)
