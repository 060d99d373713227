"""Places 0, 1, 2 and so on for keys, in the order in which they come."""

from collections.abc import Iterable

__all__ = ["Numbering"]


class Numbering:
    """A place for each key that was met.

    Attributes
    ----------
    keys
        By place.

    Examples
    --------
    >>> items = Numbering()
    >>> items.place(70), items.place(80), items.place(70), items.keys
    (0, 1, 0, [70, 80])
    >>> items.places([80, 90, 70], below=1)
    [0]
    """

    def __init__(self) -> None:
        self._place_of: dict[int, int] = {}
        self.keys: list[int] = []

    def __len__(self) -> int:
        return len(self.keys)

    def place(self, key: int) -> int:
        """Return the place of a key, the next one if it is new."""
        place = self._place_of.setdefault(key, len(self.keys))
        if place == len(self.keys):
            self.keys.append(key)
        return place

    def places(self, keys: Iterable[int], below: int) -> list[int]:
        """Return the places of those keys that were met, in order, as far as they are below a number."""
        found = (self._place_of.get(key, below) for key in keys)
        return [place for place in found if place < below]
