"""What is popular or new among the described items: the same for all users."""

from typing import Final

import torch
from torch import Tensor

from models.stock import Stock

__all__ = ["Pool"]

# Three times as quick as float32 where a processor has instructions for it; who is proposed hangs on it, and
# the scores that count do not.
_IS_SHORT: Final = torch.cpu._is_avx512_bf16_supported()  # noqa: SLF001 - torch 2.15 has no public word for it


class Pool:
    """The described items that are popular or new, as they were when it was put together.

    Parameters
    ----------
    stock
        Has the descriptions, and what is new.
    popular
        int64[n] keys.

    Attributes
    ----------
    items, since
        int64[N] keys, and since when each is described in milliseconds since the Unix epoch, the newest last.
    """

    def __init__(self, stock: Stock, popular: Tensor) -> None:
        keys = torch.unique(torch.cat([stock.newest, popular]))
        keys = keys[~stock.unavailable.among(keys)]
        rows = stock.find(keys)
        keys, rows = keys[rows != 0], rows[rows != 0]
        self.since, order = stock.take("since", rows).sort(stable=True)
        self.items = keys[order]
        self._type = torch.bfloat16 if _IS_SHORT or stock.device.type != "cpu" else torch.float32
        self._sketches = stock.take("sketch", rows[order]).to(self._type).T  # [S, N]
        self._stock, self._described = stock, stock.described

    @property
    def has_all_new(self) -> bool:
        """Whether nothing was described since it was put together."""
        return self._described == self._stock.described

    def scores(self, wanted: Tensor, ts: Tensor) -> Tensor:
        """Return the inner products with wanted sketches, [B, N], minus infinity for what is too new.

        Parameters
        ----------
        wanted
            float32[B, S].
        ts
            int64[B], milliseconds since the Unix epoch; what is described then or later is too new.
        """
        scores = wanted.to(self._type) @ self._sketches
        start = self._first_too_new(ts)
        scores[:, start:].masked_fill_(self.since[start:] >= ts[:, None], -torch.inf)
        return scores

    def _first_too_new(self, ts: Tensor) -> int:
        """Return from which place on an item may be too new; of time 0 nothing is asked.

        From 0, where to know it would be to wait for the device.
        """
        known = ts[ts > 0] if ts.device.type == "cpu" else ts[:0]
        return int(torch.searchsorted(self.since, known.min())) if len(known) else 0
