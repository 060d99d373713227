"""Items that the shop does not have now: no list may hold them."""

import torch
from torch import Tensor

from models.batch import Longs

__all__ = ["Unavailable"]


class Unavailable:
    """A set of items on the model's device; it is the shop's word, and no part of what is learnt.

    Parameters
    ----------
    device
        Where the items to be looked up live.

    Examples
    --------
    >>> import numpy as np
    >>> gone = Unavailable(torch.device("cpu"))
    >>> gone.replace(np.array([7, -3]))
    >>> gone.among(torch.tensor([[5, 7], [-3, 0]])).tolist()
    [[False, True], [True, False]]
    """

    def __init__(self, device: torch.device) -> None:
        self._keys = torch.zeros(0, dtype=torch.int64, device=device)  # in order

    def replace(self, keys: Longs) -> None:
        """Have these items and no others, int64[n], distinct."""
        self._keys = torch.from_numpy(keys).to(self._keys.device).sort().values

    def among(self, items: Tensor) -> Tensor:
        """Return which of the items (int64) are not to be had, bool of the same shape."""
        if not len(self._keys):
            return torch.zeros_like(items, dtype=torch.bool)
        place = torch.searchsorted(self._keys, items).clamp(max=len(self._keys) - 1)
        return self._keys[place] == items
