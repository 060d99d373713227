"""The items that taught last: what the softmax sets each example against is drawn from them."""

import torch
from torch import Tensor

__all__ = ["Negatives"]


class Negatives:
    """A ring of the keys of the last items, from which negatives are drawn as often as they occur.

    Nothing is in it of who met them.

    Parameters
    ----------
    capacity
        How many keys are kept; 8 bytes each.
    device
        Where they are.

    Attributes
    ----------
    seen
        Items that were added since it was empty.

    Examples
    --------
    >>> negatives = Negatives(capacity=2, device=torch.device("cpu"))
    >>> negatives.add(torch.tensor([7, 8, 9]))
    >>> sorted(set(negatives.draw(50, torch.Generator()).tolist()))
    [8, 9]
    """

    def __init__(self, capacity: int, device: torch.device) -> None:
        self._items = torch.zeros(capacity, dtype=torch.int64, device=device)
        self.seen = 0

    def __len__(self) -> int:
        return min(self.seen, self.capacity)

    @property
    def capacity(self) -> int:
        """The most keys it holds."""
        return len(self._items)

    @property
    def items(self) -> Tensor:
        """The keys, int64[n], the newest last."""
        ages = torch.arange(len(self), 0, -1, device=self._items.device)
        return self._items[(self.seen - ages) % self.capacity]

    def add(self, items: Tensor) -> None:
        """Keep keys, int64[n], the newest last."""
        self.seen += len(items)
        kept = items[max(len(items) - self.capacity, 0) :]
        places = torch.arange(self.seen - len(kept), self.seen, device=self._items.device) % self.capacity
        self._items[places] = kept

    def clear(self) -> None:
        """Keep none."""
        self.seen = 0

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """Return ``count`` keys, drawn with replacement by a generator of the host, int64[count].

        Raises
        ------
        ValueError
            If there are none.
        """
        if not self.seen:
            raise ValueError("no item to draw")
        ages = torch.randint(len(self), (count,), generator=generator)
        return self._items[(self.seen - 1 - ages).to(self._items.device) % self.capacity]
