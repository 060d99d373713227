"""Opening a log: plain, gzip or zstd, told apart by the first bytes of the file."""

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, TextIO, cast

import zstandard

from producers.errors import UnusableLog

__all__ = ["open_lines"]

_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"


@contextmanager
def open_lines(path: Path) -> Iterator[tuple[TextIO, BinaryIO]]:
    """Yield the text of the file and the file itself, whose position says how far it is read.

    Bytes that are no UTF-8 come as lone surrogates, so that one bad row does not end the reading.

    Raises
    ------
    UnusableLog
        If the file cannot be opened, or is damaged where it is read.
    """
    try:
        with path.open("rb") as file, _decompressed(file) as plain:
            # utf-8-sig: spreadsheets put a byte order mark before the header.
            yield io.TextIOWrapper(plain, "utf-8-sig", errors="surrogateescape", newline=""), file
    except (OSError, EOFError, zlib.error, zstandard.ZstdError) as error:
        raise UnusableLog(path, f"cannot be read: {_reason(error)}") from error


def _decompressed(file: BinaryIO) -> BinaryIO:
    start = file.read(4)
    file.seek(0)
    if start.startswith(_GZIP):
        return cast("BinaryIO", gzip.GzipFile(fileobj=file))
    if start == _ZSTD:
        frames = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True, closefd=False)
        return cast("BinaryIO", frames)
    return file


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
