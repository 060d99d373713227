"""All that an object holds, copied: so that two moments, or two objects, can be compared."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import numpy as np
import torch
from river.drift import ADWIN

__all__ = ["same", "state_of"]

_PLAIN = (int, float, str, bytes, type(None), torch.device, torch.dtype)


def state_of(thing: object) -> dict[str, Any]:
    """Return copies of the tensors and plain values within, by where they stand."""
    return dict(_walk(thing, ""))


def same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Return whether two states hold the same, bit for bit."""
    return one.keys() == other.keys() and all(_equal(one[place], other[place]) for place in one)


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return one.dtype == other.dtype and torch.equal(one, other)
    return bool(one == other)


def _walk(thing: Any, place: str) -> Iterator[tuple[str, Any]]:
    if isinstance(thing, torch.Tensor):
        yield place, thing.detach().clone()
    elif isinstance(thing, torch.Generator):
        yield place, thing.get_state()
    elif isinstance(thing, ADWIN):
        yield place, thing._helper.__getstate__()
    elif isinstance(thing, np.ndarray):
        yield place, (thing.dtype.str, thing.shape, thing.tobytes())
    elif isinstance(thing, _PLAIN):
        yield place, thing
    else:
        for name, part in _parts(thing):
            yield from _walk(part, f"{place}.{name}")


def _parts(thing: Any) -> Iterator[tuple[Any, Any]]:
    """Return what a container holds; whatever has no parts is not understood here, which is an error."""
    if isinstance(thing, Mapping):
        return iter(thing.items())
    if isinstance(thing, list | tuple):
        return enumerate(thing)
    if isinstance(thing, msgspec.Struct):
        return iter(msgspec.structs.asdict(thing).items())
    return iter(vars(thing).items())
