"""What a checkpoint's file says of itself: which state it holds, what it follows, which columns."""

import math

import msgspec
import numpy as np

__all__ = ["Header", "Mark", "Section"]


class Mark(msgspec.Struct, frozen=True):
    """Which state it is: the version, and a digest of all that led to it.

    The same version learnt again after a fault need not be the same state.
    """

    version: int
    digest: bytes


class Section(msgspec.Struct, frozen=True):
    """What a run of bytes in the file is."""

    name: str
    dtype: str  # as numpy writes it, "<f4"
    shape: tuple[int, ...]
    digest: bytes

    @property
    def size(self) -> int:
        """How many bytes it takes."""
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """What a file says of itself: a whole state, or what has changed since ``base``.

    ``written`` is in milliseconds since the Unix epoch.
    """

    mark: Mark
    base: Mark | None  # None: the state as a whole
    written: int
    sections: tuple[Section, ...]

    @property
    def kind(self) -> str:
        """``full`` or ``delta``."""
        return "full" if self.base is None else "delta"

    @property
    def name(self) -> str:
        """What the file is called."""
        return f"{self.mark.version:020d}.{self.kind}"

    @property
    def form(self) -> dict[str, tuple[str, tuple[int, ...]]]:
        """Dtype and shape of a line, by section: what a file must share with the one it follows."""
        return {section.name: (section.dtype, section.shape[1:]) for section in self.sections}

    def count(self, section: str) -> int:
        """Return the number of lines of the section, ``key`` or ``removed``."""
        return next(known.shape[0] for known in self.sections if known.name == section)
