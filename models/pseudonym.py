"""What users are called in what is learnt from: names that lead back to nobody once the profile is gone."""

from collections.abc import Iterable

import numpy as np
import xxhash

from models.batch import Longs

__all__ = ["pseudonyms"]

# 0 is a profile that has none yet; the hash in 2^64 that comes to it shares its neighbour's number.
_INSTEAD_OF_ZERO = 1


def pseudonyms(users: Iterable[str], keys: Iterable[int]) -> Longs:
    """Return the hash of each user id under a key of its own, int64[n], never 0.

    The key is that of the user's first event (``Batch.event_key``): it goes when the profile is erased, and
    without it the user id does not lead to the pseudonym. Made again after that, the profile has another.

    Examples
    --------
    >>> pseudonyms(["ann", "ann"], [7, -7]).tolist()
    [-5921230442428408612, 7558107722271077882]
    """
    pairs = zip(users, keys, strict=True)
    # As the hash takes it, a seed is a number of 64 bits without a sign.
    hashed = [xxhash.xxh3_64_intdigest(user.encode(), key % 2**64) for user, key in pairs]
    found = np.array(hashed, dtype=np.uint64)
    found[found == 0] = _INSTEAD_OF_ZERO
    return found.view(np.int64)
