"""How much a user has to do with a few keys (categories, brands, price bands), in exactly decayed sums."""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from models.batch import Bytes, Floats, Longs

__all__ = ["HALF_LIVES_MS", "WEIGHTS", "Affinity", "price_band"]

# 1 hour, 1 day, 30 days: this visit, these days, this season (milliseconds, float64[3]).
HALF_LIVES_MS: Final = np.array([3.6e6, 8.64e7, 2.592e9])

# By action code. Steps of a shop's funnel, each worth twice the one before; an impression counts little, and
# what takes an action back says nothing new of a category.
WEIGHTS: Final = np.array([0, 0.125, 1, 1, 2, 4, 0, 4, 8, 0], dtype=np.float32)

_BANDS_AN_OCTAVE: Final = 2
_MAX_BAND: Final = 64


class Affinity(NamedTuple):
    """Sums of U users for at most n keys each; the used entries come first, ``filled`` of them.

    An event of weight w at time t adds ``w * 2^(-(T - t) / h)`` to the sum of half-life h, T being the newest
    time of that key. So the order in which events come does not matter but for rounding, as long as
    no key had to give way: when a user has n keys and comes with another, the one with the smallest 30-day
    sum at equal times goes.
    """

    filled: Bytes  # uint8[U]
    key: Longs  # int64[U, n]
    ts: Longs  # int64[U, n], milliseconds since the Unix epoch: the newest event of the key
    sums: Floats  # float32[U, n, 3], as of ts, one for each half-life

    def touch(self, row: Longs, key: Longs, ts: Longs, weight: Floats) -> None:
        """Add one event to each of R different rows; a key of 0 or a weight of 0 adds nothing."""
        some = ((key != 0) & (weight > 0)).nonzero()[0]
        row, key, ts, weight = row[some], key[some], ts[some], weight[some]
        slot, known = self._slots(row, key)
        gap = np.where(known, ts - self.ts[row, slot], 0)  # int64[R], milliseconds; below zero: it comes late
        left = _decay(np.abs(gap))
        late = (gap < 0)[:, np.newaxis]
        sums = self.sums[row, slot] * known[:, np.newaxis]  # float32[R, 3]
        added = weight[:, np.newaxis]
        self.sums[row, slot] = np.where(late, sums + added * left, sums * left + added)
        self.key[row, slot] = key
        self.ts[row, slot] = ts - np.minimum(gap, 0)

    def at(self, row: Longs, ts: Longs) -> npt.NDArray[np.float64]:
        """Return float64[R, n, 3]: the sums of the rows as of a time for each, 0 in entries not in use."""
        return self.sums[row] * _decay(ts[:, np.newaxis] - self.ts[row])

    def _slots(self, row: Longs, key: Longs) -> tuple[Longs, npt.NDArray[np.bool_]]:
        """Return where each key goes, int64[R], and whether it is there already; a free entry is taken."""
        same = self.key[row] == key[:, np.newaxis]  # bool[R, n]
        known = same.any(axis=1)
        slot = np.where(known, same.argmax(axis=1), self.filled[row])
        full = slot == self.key.shape[1]
        slot[full] = self._weakest(row[full])
        self.filled[row[~known & ~full]] += 1
        return slot, known

    def _weakest(self, row: Longs) -> Longs:
        """Return the entry with the smallest 30-day sum; as exponents of 2 no common time is needed."""
        with np.errstate(divide="ignore"):  # a sum that has decayed to 0 is the weakest: -inf
            exponents = np.log2(self.sums[row, :, -1]) + self.ts[row] / HALF_LIVES_MS[-1]
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
