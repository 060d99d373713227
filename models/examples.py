"""Training examples: an event, what was known of its user before it, and how well it was foreseen."""

from typing import NamedTuple

import msgpack
import torch
from torch import Tensor

from models.context import CONTEXT_ITEMS, Context
from models.errors import ModelError

__all__ = ["MISSED", "NOT_SCORED", "Examples", "ExamplesUnreadable", "pack", "unpack"]

_FORM = 1
# Ranks: 1 to 20 is a place in the recommendation that was served.
MISSED = 0
NOT_SCORED = -1


class ExamplesUnreadable(ModelError, ValueError):
    """Bytes that are no examples of a form this version knows."""


class Examples(NamedTuple):
    """Columns of B events, in the order in which they are tested and learnt.

    ``rank`` is the item's place in the recommendation that the user's event before led to: 1 is best,
    `MISSED` is not in it, `NOT_SCORED` is no test (the contract's "How quality is scored").
    """

    context: Context  # before the event
    item: Tensor  # int64[B] keys
    action: Tensor  # uint8[B] codes
    ts: Tensor  # int64[B] milliseconds since the Unix epoch
    rank: Tensor  # int8[B]

    def to(self, device: torch.device) -> "Examples":
        """Return the same on ``device``, copied without waiting where the device allows it."""
        return Examples(self.context.to(device), *(column.to(device, non_blocking=True) for column in self[1:]))

    @property
    def teaches(self) -> Tensor:
        """Whether a user moved on to another item, bool[B]: what can be learnt as a transition."""
        latest = self.context.items[:, 0]  # int64[B]
        return (latest != 0) & (latest != self.item)


def pack(examples: Examples) -> bytes:
    """Return the examples as one msgpack map of raw little-endian columns; `unpack` reads it."""
    columns = [*examples.context, *examples[1:]]
    return msgpack.packb(  # type: ignore[no-any-return]  # msgpack is untyped
        {"form": _FORM, "count": len(examples.item), "columns": [c.cpu().numpy().tobytes() for c in columns]}
    )


def unpack(raw: bytes) -> Examples:
    """Return the examples that `pack` made.

    Raises
    ------
    ExamplesUnreadable
        If the bytes are something else or another form.
    """
    try:
        fields = msgpack.unpackb(raw)
        form, count, columns = fields["form"], fields["count"], fields["columns"]
    except (ValueError, KeyError, TypeError) as error:
        raise ExamplesUnreadable(f"no examples: {error}") from error
    if form != _FORM:
        raise ExamplesUnreadable(f"examples of form {form}; this version reads form {_FORM}")
    kinds = (torch.int64, torch.uint8, torch.int64, torch.int64, torch.uint8, torch.int64, torch.int8)
    read = [
        torch.frombuffer(bytearray(column), dtype=kind) for column, kind in zip(columns, kinds, strict=True)
    ]
    context = Context(*(column.view(count, CONTEXT_ITEMS) for column in read[:3]))
    return Examples(context, *read[3:])
