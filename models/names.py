"""The strings behind fingerprints: what items are called outside."""

from collections.abc import Iterable

__all__ = ["Names"]


class Names:
    """Item ids by fingerprint, kept beside the rows of the table.

    Examples
    --------
    >>> names = Names()
    >>> names.learn([7, 9], ["item-1", "item-2"])
    >>> names.of([9])
    ['item-2']
    """

    def __init__(self) -> None:
        self._name_of: dict[int, str] = {}

    def __len__(self) -> int:
        return len(self._name_of)

    def learn(self, keys: Iterable[int], names: Iterable[str]) -> None:
        """Remember the name behind each key."""
        self._name_of.update(zip(keys, names, strict=True))

    def unknown(self, keys: Iterable[int]) -> set[int]:
        """Return the keys that were never learnt."""
        return set(keys).difference(self._name_of)

    def find(self, keys: Iterable[int]) -> list[str]:
        """Return the name of each key, empty where it was never learnt."""
        return [self._name_of.get(key, "") for key in keys]

    def of(self, keys: Iterable[int]) -> list[str]:
        """Return the name of each key.

        Raises
        ------
        KeyError
            If a key was never learnt.
        """
        return list(map(self._name_of.__getitem__, keys))
