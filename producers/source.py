"""Where the records of a replay come from: a recorded log, or a made-up shop."""

from collections.abc import Iterator
from typing import Protocol

import msgspec

from models.events import Event, Item
from producers.reading import Reading

__all__ = ["Gone", "Source"]


class Gone(msgspec.Struct, frozen=True):
    """An item that is gone, its catalog record too; ``ts`` is in milliseconds since the Unix epoch."""

    item_id: str
    ts: int


class Source(Protocol):
    """Records in the order in which they are published; another process may read them as well."""

    def read(self, reading: Reading, *, loop: bool) -> Iterator[Event | Item | Gone]:
        """Yield the records, an item's before its first event; ``reading`` is told how far it is.

        Parameters
        ----------
        reading
            The tally of what was read.
        loop
            Whether to start again for ever.
        """
