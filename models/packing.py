"""Training examples as bytes: one msgpack map of raw columns, in which contexts are as long as they are."""

from collections.abc import Sequence
from typing import Any, Final

import msgpack
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from models.batch import ACTIONS, Bools
from models.context import CONTEXT_ITEMS, Context
from models.errors import ModelError
from models.examples import Examples
from models.metrics import NOT_SCORED, K

__all__ = ["ExamplesUnreadable", "pack", "unpack", "unpack_many"]

_FORM: Final = 3
# The kinds of the columns, in order: first how long each context is.
_LENGTHS: Final = np.uint8
# Then those of all contexts, one context after the other, without padding.
_OF_CONTEXTS: Final = (np.int64, np.uint8, np.int64)
# Then those of the examples.
_OF_EXAMPLES: Final = (np.int64, np.uint8, np.int64, np.int8, np.int64)
_KINDS: Final = (_LENGTHS, *_OF_CONTEXTS, *_OF_EXAMPLES)


class ExamplesUnreadable(ModelError, ValueError):
    """Bytes that are no examples of a form this version knows."""


def pack(examples: Examples, names: list[str]) -> bytes:
    """Return one msgpack map of raw little-endian columns and the items' names; `unpack` reads it.

    Contexts are filled from the front, as `Context.of` makes them.
    """
    used = examples.context.items != 0  # bool[B, L], the first of each line
    lengths = used.sum(dim=1).to(torch.uint8)
    columns = (lengths, *(column[used] for column in examples.context), *examples[1:])
    raw = [column.cpu().numpy().tobytes() for column in columns]
    fields = {"form": _FORM, "count": len(examples.item), "columns": raw, "names": names}
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


def unpack_many(raws: Sequence[bytes]) -> tuple[Examples, list[int], list[str]]:
    """Return the examples of at least one packed run as one, in order, how many each run has, and all names.

    Raises
    ------
    ExamplesUnreadable
        As `unpack` does, if one of them cannot be read.
    """
    runs = [_fields(raw) for raw in raws]
    names = [name for run in runs for name in run["names"]]
    return _read(runs), [run["count"] for run in runs], names


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
        typed = type(count) is int and isinstance(columns, list) and isinstance(names, list)
        typed = typed and all(isinstance(column, bytes) for column in columns)
        typed = typed and all(isinstance(name, str) for name in names)
    except (KeyError, TypeError) as error:
        raise ExamplesUnreadable(f"damaged examples: {error!r}") from error
    if not typed or not columns or found != [count, *_sizes(count, columns[0])]:
        raise ExamplesUnreadable(f"damaged examples: {count} with names and columns of {found}")
    return fields


def _sizes(count: int, lengths: bytes) -> list[int]:
    """Return the bytes of each column of ``count`` examples, by the lengths of their contexts."""
    entries = sum(lengths)
    of_contexts = [entries * np.dtype(kind).itemsize for kind in _OF_CONTEXTS]
    return [count, *of_contexts, *(count * np.dtype(kind).itemsize for kind in _OF_EXAMPLES)]


def _read(runs: list[dict[str, Any]]) -> Examples:
    columns = []
    for pieces, kind in zip(zip(*(run["columns"] for run in runs), strict=True), _KINDS, strict=True):
        columns.append(np.frombuffer(bytearray().join(pieces), kind))
    lengths, *others = columns
    of_contexts, of_examples = others[: len(_OF_CONTEXTS)], others[len(_OF_CONTEXTS) :]
    if (lengths > CONTEXT_ITEMS).any():
        raise ExamplesUnreadable(f"damaged examples: a context has at most {CONTEXT_ITEMS} items")
    used = np.arange(CONTEXT_ITEMS) < lengths[:, np.newaxis]  # bool[B, L]
    context = Context(*(_spread(used, column) for column in of_contexts))
    examples = Examples(context, *(torch.from_numpy(column) for column in of_examples))
    _check(examples)
    return examples


def _spread(used: Bools, column: npt.NDArray[Any]) -> Tensor:
    """Return a matrix, [B, L], with a column's entries where it is used, in order, and 0 where it is not."""
    spread = np.zeros(used.shape, column.dtype)
    spread[used] = column
    return torch.from_numpy(spread)


def _check(examples: Examples) -> None:
    if (examples.context.actions > len(ACTIONS)).any() or (examples.action > len(ACTIONS)).any():
        raise ExamplesUnreadable(f"damaged examples: an action's code is at most {len(ACTIONS)}")
    if (examples.action == 0).any():
        raise ExamplesUnreadable("damaged examples: an example has an action")
    if ((examples.rank < NOT_SCORED) | (examples.rank > K)).any():
        raise ExamplesUnreadable(f"damaged examples: a rank is from {NOT_SCORED} to {K}")
