"""Laws of what a worker says that cannot be put together: one line."""

from pathlib import Path

import pytest
import torch

from stream.lifecycle import build
from stream.settings import BadSetting, Settings


def test_a_device_that_is_not_there_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(BadSetting, match=r"^HEADRACE_DEVICE=cuda: .*; set it to auto or cpu$"):
        build(Settings(data_dir=tmp_path, device="cuda"))


@pytest.mark.parametrize("below", ["taken", "taken/state"])
def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path, below: str) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(BadSetting, match=r"^HEADRACE_DATA_DIR='.*taken.*\(.+\); set another one$"):
        build(Settings(data_dir=tmp_path / below))
