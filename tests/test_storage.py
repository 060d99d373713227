"""Laws of the folder on disk and of the values kept in memory."""

from pathlib import Path

import pytest

from stream.hot import HotValues
from stream.storage import Storage, StorageUnusable


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "profiles"


def test_a_folder_of_another_format_is_refused(folder: Path) -> None:
    storage = Storage(folder)
    storage.write(0xFFFF_FFFF, {b"headrace": b"99"})
    storage.close()
    with pytest.raises(StorageUnusable, match="99"):
        Storage(folder)


def test_a_damaged_folder_is_refused(folder: Path) -> None:
    Storage(folder).close()
    (folder / "CURRENT").write_text("nothing of the kind")
    with pytest.raises(StorageUnusable, match="CURRENT"):
        Storage(folder)


def test_hot_values_are_the_newest_and_bounded() -> None:
    hot = HotValues(capacity=100_000)
    for number in range(2000):
        hot.update({b"%d" % number: b"x" * 100, b"same": b"%d" % number})
    found = hot.find([b"%d" % number for number in range(2000)])
    assert hot.find([b"same"]) == [b"1999"]
    assert found[-1] is not None
    assert 100 < sum(value is not None for value in found) < 1000


def test_a_deleted_value_is_not_hot_however_old_it_was() -> None:
    hot = HotValues(capacity=1000)
    hot.update({b"ann": b"1"})
    hot.update({b"bob": b"x" * 500})  # a new generation begins
    hot.update({b"ann": None})
    assert hot.find([b"ann"]) == [None]
