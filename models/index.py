"""An exact map from 64-bit keys to rows, batched, in plain torch: the same code on cpu and cuda."""

import sys
from typing import Final

import torch
from torch import Tensor

__all__ = ["HashIndex", "ranks_among_equals"]

# Eight 8-byte keys are one cache line: a whole bucket is compared for the price of one key.
_WIDTH: Final = 8
# Four times as many slots as keys: 64 bytes a key, a quarter of a row of weights, and nearly every key
# stands in its first bucket.
_SLOTS_PER_KEY: Final = 4
# Keys looked up at once on CPU: what is made of them on the way stays in a core's cache. 66,000 at once take
# five times as long a key.
_PIECE: Final = 8192


class HashIndex:
    """Open addressing over buckets of eight; keys are kept whole, so no two of them ever share a row.

    Key 0 means "no key" and row 0 "no row". A lookup reads as many buckets as the longest insertion
    needed, which is why removal leaves no tombstone and `find` needs no host synchronisation.

    Parameters
    ----------
    capacity
        How many keys it is made for; `insert` beyond it stays exact but gets slower.
    device
        Where the keys live.

    Examples
    --------
    >>> index = HashIndex(capacity=16, device=torch.device("cpu"))
    >>> index.insert(torch.tensor([71, -5]), torch.tensor([1, 2]))
    >>> index.find(torch.tensor([-5, 4, 71, 0])).tolist()
    [2, 0, 1, 0]
    """

    def __init__(self, capacity: int, device: torch.device) -> None:
        buckets = 1 << max(0, (capacity * _SLOTS_PER_KEY - 1) // _WIDTH).bit_length()
        self._keys = torch.zeros(buckets, _WIDTH, dtype=torch.int64, device=device)  # int64[buckets, 8]
        self._rows = torch.zeros(buckets, _WIDTH, dtype=torch.int64, device=device)  # int64[buckets, 8]
        self._mask = buckets - 1
        self._piece = _PIECE if device.type == "cpu" else sys.maxsize
        self._probes = 1

    def find(self, keys: Tensor) -> Tensor:
        """Return the row of each key as int64[B], 0 where there is none; changes nothing."""
        if len(keys) > self._piece:
            return torch.cat([self.find(piece) for piece in torch.split(keys, self._piece)])
        rows = self._find(keys, 0)
        for probe in range(1, self._probes):
            rows += self._find(keys, probe)
        return rows

    def _find(self, keys: Tensor, probe: int) -> Tensor:
        """Return the rows of what stands in the n-th bucket of each key, int64[B], 0 for the others."""
        bucket = (keys + probe) & self._mask  # int64[B]
        # A slot has the key or not, 1 or 0; an empty one has row 0. Few operations: most lookups are small.
        match = self._keys.index_select(0, bucket).eq_(keys[:, None])  # int64[B, 8]
        return match.mul_(self._rows.index_select(0, bucket)).sum(dim=1)

    def insert(self, keys: Tensor, rows: Tensor) -> None:
        """Map each of ``keys`` (int64[B], distinct, absent, not 0) to its row (int64[B])."""
        probe = 0
        while len(keys):
            bucket = (keys + probe) & self._mask  # int64[B]
            empty = self._keys[bucket] == 0  # bool[B, 8]
            # The n-th key of a bucket takes its n-th empty slot: no two write to one place.
            chosen = empty & (empty.cumsum(dim=1) == ranks_among_equals(bucket)[:, None] + 1)  # bool[B, 8]
            fits, slot = _only(chosen)
            self._keys[bucket[fits], slot[fits]] = keys[fits]
            self._rows[bucket[fits], slot[fits]] = rows[fits]
            keys, rows = keys[~fits], rows[~fits]
            probe += 1
            self._probes = max(self._probes, probe)

    def remove(self, keys: Tensor) -> None:
        """Forget each of ``keys`` (int64[B]); absent ones and 0 are passed over."""
        for probe in range(self._probes):
            bucket = (keys + probe) & self._mask  # int64[B]
            match = (self._keys[bucket] == keys[:, None]) & (keys != 0)[:, None]  # bool[B, 8]
            at, slot = match.nonzero(as_tuple=True)
            self._keys[bucket[at], slot] = 0
            self._rows[bucket[at], slot] = 0


def _only(flags: Tensor) -> tuple[Tensor, Tensor]:
    """Return whether a flag of each line is set, bool[B], and which one, int64[B]; at most one may be.

    ``flags`` is bool[B, 8]: eight bytes read as one integer, 256 to the power of the place.
    """
    word = flags.view(torch.int64).squeeze(1)  # int64[B]
    exponent = torch.frexp(word.to(torch.float64)).exponent  # int32[B]: 8 * place + 1, or 0
    return word != 0, (exponent.to(torch.int64) // _WIDTH)


def ranks_among_equals(values: Tensor) -> Tensor:
    """Return for each value how many equal ones stand before it, int64[B]."""
    ordered, order = values.sort(stable=True)
    first = torch.searchsorted(ordered, ordered)  # int64[B]: where the run of equals starts
    rank = torch.empty_like(values)
    rank[order] = torch.arange(len(values), device=values.device) - first
    return rank
