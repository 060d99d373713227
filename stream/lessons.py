"""The examples topic: what batches of events taught."""

from models.errors import InvalidRecord
from models.examples import Examples, ExamplesUnreadable, no_examples, unpack
from models.names import Names
from stream.chunks import Chunk
from stream.outbox import dead_letter

__all__ = ["lessons"]


def lessons(chunk: Chunk, names: Names) -> tuple[Examples, dict[int, bytes]]:
    """Return a chunk's examples as one run, and the letters, by offset, for records that hold none.

    The items' names are learnt as well.
    """
    parts, letters = [no_examples()], {}
    for record in chunk.records:
        try:
            examples, item_names = unpack(record.value or b"")
        except ExamplesUnreadable as error:
            refused = InvalidRecord("value", (record.value or b"")[:64], str(error))
            letters[record.offset] = dead_letter(*chunk.tp, record, refused).to_bytes()
        else:
            names.learn(examples.item.tolist(), item_names)
            parts.append(examples)
    return Examples.join(parts), letters
