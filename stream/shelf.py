"""The catalog topic: items as the shop describes them."""

from models.catalog import Catalog
from models.codec import ITEMS
from models.errors import InvalidRecord
from stream.chunks import Chunk
from stream.outbox import dead_letter

__all__ = ["shelve"]


def shelve(chunk: Chunk, catalog: Catalog, now: int) -> dict[int, bytes]:
    """Put a chunk's items into the catalog; return dead letters, by offset, of records that are no items.

    A null value takes the item out. ``now`` is the clock in milliseconds since the Unix epoch.
    """
    dead_letters = {}
    for record in chunk.records:
        try:
            if record.value is None and record.key:
                catalog.remove(record.key.decode(errors="replace"))
            else:
                catalog.put(ITEMS.decode(record.value, record.key, now))
        except InvalidRecord as error:
            dead_letters[record.offset] = dead_letter(*chunk.tp, record, error).to_bytes()
    return dead_letters
