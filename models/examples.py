"""Training examples: an event, what was known of its user before it, and how well it was foreseen."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgpack
import numpy as np
import torch
from torch import Tensor

from models.batch import ACTIONS, TAKES_BACK, Batch, Bools, Longs
from models.context import CONTEXT_ITEMS, Context
from models.errors import ModelError
from models.metrics import NOT_SCORED, K, rank_of
from models.observation import Observations

__all__ = ["Examples", "ExamplesUnreadable", "examples_of", "no_examples", "pack", "unpack", "unpack_many"]

_FORM: Final = 2
# Of the columns as they are packed.
_KINDS: Final = (np.int64, np.uint8, np.int64, np.int64, np.uint8, np.int64, np.int8, np.int64)
# Bytes of each for one example; the first three are the context's.
_SIZES: Final = tuple(
    np.dtype(kind).itemsize * (CONTEXT_ITEMS if place < len(Context._fields) else 1)
    for place, kind in enumerate(_KINDS)
)


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
    who: Tensor  # int64[B] pseudonyms of the users

    def to(self, device: torch.device) -> "Examples":
        """Return the same on ``device``, copied without waiting where the device allows it."""
        columns = (column.to(device, non_blocking=True) for column in self[1:])
        return Examples(self.context.to(device), *columns)

    @classmethod
    def join(cls, parts: "Sequence[Examples]") -> "Examples":
        """Return at least one run of examples as one, in order."""
        columns = zip(*((*part.context, *part[1:]) for part in parts), strict=True)
        joined = [torch.cat(pieces) for pieces in columns]
        return cls(Context(*joined[:3]), *joined[3:])

    def steps(self, size: int | list[int]) -> "list[Examples]":
        """Return the same in runs, in order: of at most ``size`` examples, or of these sizes exactly."""
        columns = [torch.split(column, size) for column in (*self.context, *self[1:])]
        return [Examples(Context(*run[:3]), *run[3:]) for run in zip(*columns, strict=True)]

    def take(self, chosen: Bools) -> "Examples":
        """Return the chosen ones, bool[B]; the same where all are."""
        if chosen.all():
            return self
        here = torch.from_numpy(chosen).to(self.item.device)
        columns = [column[here] for column in (*self.context, *self[1:])]
        return Examples(Context(*columns[:3]), *columns[3:])

    @property
    def teaches(self) -> Tensor:
        """Whether something was known of the user before, bool[B]."""
        return self.context.items[:, 0] != 0


def examples_of(batch: Batch, seen: Observations, served: Longs, who: Longs) -> Examples:
    """Return the examples of the observed events, without those that take an interest back.

    Parameters
    ----------
    batch
        The events.
    seen
        What they showed.
    served
        int64[M, K], the recommendation that was in force before each event, 0-padded.
    who
        int64[M], the pseudonyms of the events' users.
    """
    teaching = ~TAKES_BACK[batch.action[seen.kept]]  # bool[M]
    kept = seen.kept[teaching]
    item = torch.from_numpy(batch.item[kept])  # int64[B]
    rank = rank_of(item, torch.from_numpy(served[teaching]))  # int8[B]
    return Examples(
        context=Context.of(*(column[teaching] for column in seen.before)),
        item=item,
        action=torch.from_numpy(batch.action[kept]),
        ts=torch.from_numpy(batch.ts[kept]),
        rank=torch.where(torch.from_numpy(seen.scored[teaching]), rank, NOT_SCORED).to(torch.int8),
        who=torch.from_numpy(who[teaching]),
    )


def no_examples() -> Examples:
    """Return a run of no examples."""
    empty = [torch.from_numpy(np.empty(0, kind)) for kind in _KINDS]
    return Examples(Context(*(column.view(0, CONTEXT_ITEMS) for column in empty[:3])), *empty[3:])


def pack(examples: Examples, names: list[str]) -> bytes:
    """Return one msgpack map of raw little-endian columns and the items' names; `unpack` reads it."""
    columns = [column.cpu().numpy().tobytes() for column in (*examples.context, *examples[1:])]
    fields = {"form": _FORM, "count": len(examples.item), "columns": columns, "names": names}
    packed: bytes = msgpack.packb(fields)
    return packed


def unpack(raw: bytes) -> tuple[Examples, list[str]]:
    """Return the examples and names that `pack` was given.

    Raises
    ------
    ExamplesUnreadable
        If the bytes are something else or another form, or hold a rank or an action's code that is none.
    """
    fields = _fields(raw)
    return _read([fields]), fields["names"]


def unpack_many(raws: Sequence[bytes]) -> tuple[Examples, list[int]]:
    """Return the examples of at least one packed run as one, in order, and how many each run has.

    Raises
    ------
    ExamplesUnreadable
        As `unpack` does, if one of them cannot be read.
    """
    runs = [_fields(raw) for raw in raws]
    return _read(runs), [run["count"] for run in runs]


def _fields(raw: bytes) -> dict[str, Any]:
    """Return a packed run whose form and sizes are known to be right."""
    try:
        fields: dict[str, Any] = msgpack.unpackb(raw)
        form = fields["form"]
    except (ValueError, KeyError, TypeError, msgpack.UnpackException) as error:
        raise ExamplesUnreadable(f"no examples: {error!r}") from error
    if form != _FORM:
        raise ExamplesUnreadable(f"examples of form {form}; this version reads form {_FORM}")
    try:
        count, columns, names = fields["count"], fields["columns"], fields["names"]
        found = [len(names), *map(len, columns)]
        typed = isinstance(count, int) and all(isinstance(column, bytes) for column in columns)
        typed = typed and all(isinstance(name, str) for name in names)
    except (KeyError, TypeError) as error:
        raise ExamplesUnreadable(f"damaged examples: {error!r}") from error
    if not typed or found != [count * size for size in (1, *_SIZES)]:
        raise ExamplesUnreadable(f"damaged examples: {count} with names and columns of {found}")
    return fields


def _read(runs: list[dict[str, Any]]) -> Examples:
    count = sum(run["count"] for run in runs)
    columns = []
    for pieces, kind in zip(zip(*(run["columns"] for run in runs), strict=True), _KINDS, strict=True):
        columns.append(torch.from_numpy(np.frombuffer(bytearray().join(pieces), kind)))
    context = Context(*(column.view(count, CONTEXT_ITEMS) for column in columns[:3]))
    examples = Examples(context, *columns[3:])
    _check(examples)
    return examples


def _check(examples: Examples) -> None:
    if (examples.context.actions > len(ACTIONS)).any() or (examples.action > len(ACTIONS)).any():
        raise ExamplesUnreadable(f"damaged examples: an action's code is at most {len(ACTIONS)}")
    if (examples.action == 0).any():
        raise ExamplesUnreadable("damaged examples: an example has an action")
    if ((examples.rank < NOT_SCORED) | (examples.rank > K)).any():
        raise ExamplesUnreadable(f"damaged examples: a rank is from {NOT_SCORED} to {K}")
