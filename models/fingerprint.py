"""Ids as 64-bit numbers, so that batches and profiles are columns of integers.

Two ids of a shop with ten million share a fingerprint with a chance of 3 in a million (n^2 / 2^65).
"""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import xxhash

__all__ = ["fingerprint", "fingerprints"]

# 0 means "none" in every column, so the one id in 2^64 that hashes to it shares its neighbour's number.
_INSTEAD_OF_ZERO = 1


def fingerprint(text: str) -> int:
    """Return the xxh3 hash of the UTF-8 bytes as a signed 64-bit number, never 0.

    Examples
    --------
    >>> fingerprint("item-1")
    -6274262587704068686
    """
    return int(fingerprints((text,))[0])


def fingerprints(texts: Iterable[str]) -> npt.NDArray[np.int64]:
    """Return the `fingerprint` of each text, int64[n]."""
    hashed = np.array([xxhash.xxh3_64_intdigest(text.encode()) for text in texts], dtype=np.uint64)
    hashed[hashed == 0] = _INSTEAD_OF_ZERO
    return hashed.view(np.int64)
