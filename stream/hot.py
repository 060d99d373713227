"""The values used last, in memory, so that users who come back cost no read of the disk."""

from collections.abc import Mapping
from typing import Final

__all__ = ["HotValues"]

# What CPython adds to a value in a dict: the headers of two bytes objects, the key, an entry of the table.
_ENTRY_BYTES: Final = 200


class HotValues:
    """A bounded map of bytes to bytes that forgets what was not written for long.

    Two generations: what is written goes to the young one; when that is full it becomes the old one, and the
    old one goes. So an access costs a dict look-up or two, and about ``capacity`` bytes are held; a
    value counts as the average of those of its generation.

    Examples
    --------
    >>> hot = HotValues(capacity=10_000)
    >>> hot.update({b"ann": b"1", b"bob": b"2"})
    >>> hot.update({b"ann": None})
    >>> hot.find([b"ann", b"bob"])
    [None, b'2']
    """

    def __init__(self, capacity: int) -> None:
        self._half = capacity // 2
        self._young: dict[bytes, bytes | None] = {}
        self._old: dict[bytes, bytes | None] = {}
        self._written = self._written_bytes = 0

    def find(self, keys: list[bytes]) -> list[bytes | None]:
        """Return the value of each key, None where it is not at hand."""
        young, old = self._young.get, self._old.get
        return [old(key) if (value := young(key)) is None else value for key in keys]

    def update(self, changes: Mapping[bytes, bytes | None]) -> None:
        """Hold the value of each key in place of any other; None forgets the key."""
        self._young.update(changes)
        # A key without a value stays as None in both, so that its old value does not show.
        self._old.update({key: None for key, value in changes.items() if value is None})
        self._written += len(changes)
        self._written_bytes += sum(map(len, filter(None, changes.values()))) + _ENTRY_BYTES * len(changes)
        if len(self._young) * self._written_bytes > self._half * self._written:
            self._old, self._young = self._young, {}
            self._written = self._written_bytes = 0

    def clear(self) -> None:
        """Forget everything."""
        self._young, self._old = {}, {}
        self._written = self._written_bytes = 0
