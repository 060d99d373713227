"""How a profile lies in memory and in bytes: a row of 64-bit words, of which only the used ones are kept.

In memory U profiles are int64[U, `WIDTH`]: the head, then groups of columns. All columns of a group (the
actions, the order lines, ...) hold the same number of entries, and that count stands in the head. In
bytes a profile is its head and the used words of each column, little-endian as the machine is, so that
packing and unpacking many profiles is one boolean selection.

The head is one word of eight bytes (the format, then the counts of the seven groups in their order) and
five numbers that every profile has (``models.profile``).
"""

import math
from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

from models.batch import Bools, Bytes, Longs
from models.errors import ModelError

__all__ = [
    "COLUMNS",
    "GROUPS",
    "HEAD_WORDS",
    "WIDTH",
    "Column",
    "Group",
    "UnreadableProfile",
    "blank",
    "pack",
    "unpack",
]

FORMAT: Final = 2
HEAD_WORDS: Final = 6
_WORD_BYTES: Final = 8


class UnreadableProfile(ModelError, ValueError):
    """Stored bytes that are no profile of this format."""


class Group(NamedTuple):
    """Columns that grow together; ``capacity`` is their number of entries."""

    name: str
    capacity: int


class Column(NamedTuple):
    """One value per entry of a group (``values`` for several), and where it lies: words start to stop."""

    name: str
    group: Group
    dtype: str
    values: int = 1
    start: int = 0

    @property
    def stop(self) -> int:
        """The word after the last one of this column at full capacity."""
        numbers = self.group.capacity * self.values
        return self.start + math.ceil(numbers * np.dtype(self.dtype).itemsize / _WORD_BYTES)

    def used(self) -> Bools:
        """Return bool[capacity + 1, words]: which words are in use at each count of entries."""
        words = np.arange(self.stop - self.start)
        first_entry = words * _WORD_BYTES // np.dtype(self.dtype).itemsize // self.values
        return first_entry < np.arange(self.group.capacity + 1)[:, np.newaxis]


ACTIONS: Final = Group("actions", 50)
LINES: Final = Group("lines", 32)
# Of each kind of affinity: categories, brands, price bands.
KINDS: Final = (Group("category", 8), Group("brand", 8), Group("band", 8))
SERVED: Final = Group("served", 20)
# One less than a block of event keys, which leaves the profile when it is full (models/seen.py).
RECENT: Final = Group("recent", 63)
GROUPS: Final = (ACTIONS, LINES, *KINDS, SERVED, RECENT)


_UNPLACED: Final = (
    Column("item", ACTIONS, "i8"),
    Column("stamp", ACTIONS, "i8"),
    Column("line_item", LINES, "i8"),
    Column("line_stamp", LINES, "i8"),
    *(
        column
        for group in KINDS
        for column in (
            Column(f"{group.name}_key", group, "i8"),
            Column(f"{group.name}_ts", group, "i8"),
            Column(f"{group.name}_sums", group, "f4", values=3),
        )
    ),
    Column("served", SERVED, "i8"),
    Column("recent", RECENT, "i8"),
)


def _placed() -> Iterator[Column]:
    start = HEAD_WORDS
    for column in _UNPLACED:
        placed = column._replace(start=start)
        yield placed
        start = placed.stop


COLUMNS: Final = {column.name: column for column in _placed()}
WIDTH: Final = max(column.stop for column in COLUMNS.values())


class _Span(NamedTuple):
    """The adjacent words of one group: which are in use, and how many, at each count of entries."""

    start: int
    stop: int
    used: Bools  # bool[capacity + 1, words]
    words: Longs  # int64[capacity + 1]


def _span(group: Group) -> _Span:
    columns = [column for column in COLUMNS.values() if column.group is group]
    used = np.concatenate([column.used() for column in columns], axis=1)
    return _Span(columns[0].start, columns[-1].stop, used, used.sum(axis=1))


_SPANS: Final = tuple(_span(group) for group in GROUPS)
_CAPACITIES: Final = np.array([group.capacity for group in GROUPS])


def blank(users: int) -> Longs:
    """Return int64[users, WIDTH]: profiles of which nothing is known."""
    words = np.zeros((users, WIDTH), dtype=np.int64)
    words[:, 0] = FORMAT
    return words


def pack(words: Longs) -> list[bytes]:
    """Return one value of bytes for each row of int64[U, WIDTH]."""
    counts = _counts(words)
    raw = words[_used(counts)].tobytes()
    stops = np.cumsum(_sizes(counts)).tolist()
    return [raw[start:stop] for start, stop in zip([0, *stops], stops, strict=False)]


def unpack(values: list[bytes]) -> Longs:
    """Return int64[U, WIDTH], the rows that `pack` made the values of.

    Raises
    ------
    UnreadableProfile
        If a value has another format, or is not as long as its counts say.
    """
    sizes = np.array([len(value) for value in values], dtype=np.int64)  # bytes, int64[U]
    if (sizes < HEAD_WORDS * _WORD_BYTES).any() or (sizes % _WORD_BYTES).any():
        raise UnreadableProfile(f"a stored profile has an odd size: {sorted(set(sizes.tolist()))[:3]} bytes")
    flat = np.frombuffer(b"".join(values), dtype=np.int64)
    heads = flat[(np.cumsum(sizes) - sizes) // _WORD_BYTES].reshape(-1, 1)
    formats = set(heads.view(np.uint8)[:, 0].tolist())
    if formats - {FORMAT}:
        raise UnreadableProfile(
            f"stored profiles have formats {sorted(formats)}, this version reads {FORMAT}"
        )
    counts = _counts(heads)
    if (counts > _CAPACITIES).any() or (_sizes(counts) != sizes).any():
        raise UnreadableProfile("a stored profile is not as long as its counts say")
    words = np.zeros((len(values), WIDTH), dtype=np.int64)
    words[_used(counts)] = flat
    return words


def _counts(words: Longs) -> Bytes:
    """Return uint8[U, groups]: the used entries of each group, from the first word of each row."""
    return np.ascontiguousarray(words[:, :1]).view(np.uint8)[:, 1:]


def _used(counts: Bytes) -> Bools:
    """Return bool[U, WIDTH]: the words that are kept."""
    used = np.ones((len(counts), WIDTH), dtype=np.bool_)
    for span, count in zip(_SPANS, counts.T, strict=True):
        used[:, span.start : span.stop] = span.used[count]
    return used


def _sizes(counts: Bytes) -> Longs:
    """Return int64[U]: the bytes of each packed profile."""
    words = np.full(len(counts), HEAD_WORDS)
    for span, count in zip(_SPANS, counts.T, strict=True):
        words += span.words[count]
    return words * _WORD_BYTES
