"""How much a user has to do with a few categories, brands and price bands, in exactly decayed sums."""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from models.batch import Bytes, Floats, Longs
from models.rounds import Rounds

__all__ = ["HALF_LIVES_MS", "WEIGHTS", "Affinity", "Touches", "price_band"]

# 1 hour, 1 day, 30 days: this visit, these days, this season (milliseconds, float64[3]).
HALF_LIVES_MS: Final = np.array([3.6e6, 8.64e7, 2.592e9])

# By action code. Steps of a shop's funnel, each worth twice the one before; an impression counts little, and
# what takes an action back says nothing new of a category.
WEIGHTS: Final = np.array([0, 0.125, 1, 1, 2, 4, 0, 4, 8, 0], dtype=np.float32)

_BANDS_AN_OCTAVE: Final = 2
_MAX_BAND: Final = 64


class Touches(NamedTuple):
    """What T events add: to which user and kind (0 category, 1 brand, 2 price band), to which key, when."""

    row: Longs  # int64[T]
    kind: Longs  # int64[T]
    key: Longs  # int64[T], not 0
    ts: Longs  # int64[T], milliseconds since the Unix epoch
    weight: Floats  # float32[T], above 0

    def take(self, chosen: Longs) -> "Touches":
        """Return those that are chosen."""
        return Touches._make(column[chosen] for column in self)


class Affinity(NamedTuple):
    """Sums of U users for up to n keys of each of three kinds; the used entries come first.

    An event of weight w at time t adds ``w * 2^(-(T - t) / h)`` to the sum of half-life h, T being the newest
    time of that key. So the order in which events come does not matter but for rounding, as long as
    no key had to give way: when a user has n keys of a kind and comes with another, the one with the smallest
    30-day sum at equal times goes.
    """

    filled: Bytes  # uint8[U, 3], entries in use
    key: Longs  # int64[U, 3, n]
    ts: Longs  # int64[U, 3, n], milliseconds since the Unix epoch: the newest event of the key
    sums: Floats  # float32[U, 3, n, 3], as of ts, one for each half-life

    def add(self, touches: Touches) -> None:
        """Add what the events add, in their order."""
        kinds = self.key.shape[1]
        for chosen in Rounds.of(touches.row * kinds + touches.kind).events():
            self._add_round(touches.take(chosen))

    def at(self, row: Longs, ts: Longs) -> npt.NDArray[np.float64]:
        """Return float64[R, 3, n, 3]: the sums of R users as of a time for each, 0 in entries not in use."""
        return self.sums[row] * _decay(ts[:, np.newaxis, np.newaxis] - self.ts[row])

    def _add_round(self, touches: Touches) -> None:
        row, kind, key, ts, weight = touches
        same = self.key[row, kind] == key[:, np.newaxis]  # bool[R, n]
        slot = same.argmax(axis=1)
        new = (~same.any(axis=1)).nonzero()[0]
        if len(new):
            slot[new] = self._open(touches.take(new))
        at = (row, kind, slot)
        gap = ts - self.ts[at]  # int64[R], milliseconds; below zero the event comes late
        left = _decay(np.abs(gap))
        sums, weight = self.sums[at], weight[:, np.newaxis]
        self.sums[at] = np.where(gap[:, np.newaxis] < 0, sums + weight * left, sums * left + weight)
        self.ts[at] += np.maximum(gap, 0)

    def _open(self, touches: Touches) -> Longs:
        """Return where each new key goes, int64[R]: a free entry or the weakest, emptied and ready."""
        row, kind, key, ts, _ = touches
        slot = self.filled[row, kind].astype(np.int64)
        full = slot == self.key.shape[-1]
        self.filled[row, kind] += ~full
        slot[full] = self._weakest(row[full], kind[full])
        self.key[row, kind, slot] = key
        self.ts[row, kind, slot] = ts
        self.sums[row, kind, slot] = 0
        return slot

    def _weakest(self, row: Longs, kind: Longs) -> Longs:
        """Return the entry with the smallest 30-day sum; as exponents of 2 no common time is needed."""
        with np.errstate(divide="ignore"):  # a sum that has decayed to 0 is the weakest: -inf
            exponents = np.log2(self.sums[row, kind, :, -1]) + self.ts[row, kind] / HALF_LIVES_MS[-1]
        weakest: Longs = exponents.argmin(axis=1)
        return weakest


def price_band(price: Floats) -> Longs:
    """Return int64[B]: the half-octave of each price, from 1; 0 where there is no price above zero.

    Examples
    --------
    >>> price_band(np.array([10.0, 11.0, 20.0, 0.0, np.nan], dtype=np.float32)).tolist()
    [71, 71, 73, 0, 0]
    """
    known = price > 0
    octaves = np.log2(np.where(known, price, 1))
    band = np.clip(np.floor(_BANDS_AN_OCTAVE * octaves), -_MAX_BAND, _MAX_BAND) + _MAX_BAND + 1
    return np.where(known, band, 0).astype(np.int64)


def _decay(age: Longs) -> npt.NDArray[np.float64]:
    """Return float64[..., 3]: what is left after an age in milliseconds, for each half-life."""
    left: npt.NDArray[np.float64] = np.exp2(-age[..., np.newaxis] / HALF_LIVES_MS)
    return left
