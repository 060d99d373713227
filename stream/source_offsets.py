"""Where each source topic of a partition is to be read on, and which topic of that name it is."""

from collections.abc import Mapping

from stream.storage import Storage
from stream.store_keys import GENERATION, IDENTITY, OFFSET

__all__ = ["SourceOffsets"]


class SourceOffsets:
    """What a store says of the source topics, by topic; it is looked up once and remembered.

    Parameters
    ----------
    storage
        Where it stands, under names that begin with ``n``, ``t`` and ``l``.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        # Only once: behind the offsets a scan steps over every ticket that was ever deleted.
        self._offsets: dict[int, dict[str, int]] = {}
        self._generations: dict[int, dict[str, int]] = {}

    def offsets(self, partition: int) -> dict[str, int]:
        """Return the next offset of each topic, as of the last commit."""
        if partition not in self._offsets:
            self._offsets[partition] = self._numbers(partition, OFFSET)
        return dict(self._offsets[partition])

    def identities(self, partition: int) -> dict[str, str]:
        """Return the identities of the topics that the offsets belong to."""
        return {topic.decode(): raw.decode() for topic, raw in self._storage.scan(partition, IDENTITY)}

    def generations(self, partition: int) -> dict[str, int]:
        """Return how often topics were recreated; those that never were are left out."""
        if partition not in self._generations:
            self._generations[partition] = self._numbers(partition, GENERATION)
        return self._generations[partition]

    def move(self, partition: int, offsets: Mapping[str, int]) -> None:
        """Note the offsets that a commit has written."""
        self._offsets.get(partition, {}).update(offsets)

    def look_up_again(self, partition: int) -> None:
        """Remember nothing of a partition."""
        self._offsets.pop(partition, None)
        self._generations.pop(partition, None)

    def _numbers(self, partition: int, kind: bytes) -> dict[str, int]:
        return {topic.decode(): int(raw) for topic, raw in self._storage.scan(partition, kind)}
