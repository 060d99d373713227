"""Experience replay: past examples, kept in a ring and drawn again."""

from typing import Final

import torch
from torch import Tensor

__all__ = ["NEWEST", "Memory"]

# Half of a draw comes from the newest examples, half from all that are kept: what is hot now is
# replayed more often, and what is rare is not forgotten.
_NEW_SHARE: Final = 0.5
# How many count as the newest.
NEWEST: Final = 20_000


class Memory:
    """A ring of the last ``capacity`` lines of int64: a user, a context of L items, the item that followed.

    A line of zeros is blank: its user was forgotten, or it is not at hand. It is drawn as any other, so that
    what else is drawn stays the same, and has no item to teach.

    Parameters
    ----------
    capacity
        How many lines are kept; 8 * (L + 2) bytes each.
    width
        L + 2.

    Attributes
    ----------
    seen
        Lines that were ever added.

    Examples
    --------
    >>> memory = Memory(capacity=3, width=4, device=torch.device("cpu"))
    >>> memory.add(torch.tensor([[7, 1, 2, 3], [9, 4, 5, 6]]))
    >>> int(memory.forget(torch.tensor([7])))
    1
    >>> sorted({tuple(keys) for keys in memory.draw(50, torch.Generator()).tolist()})
    [(0, 0, 0), (4, 5, 6)]
    """

    def __init__(self, capacity: int, width: int, device: torch.device) -> None:
        self._lines = torch.zeros(capacity, width, dtype=torch.int64, device=device)
        self.seen = 0

    def __len__(self) -> int:
        return min(self.seen, self.capacity)

    @property
    def capacity(self) -> int:
        """The most lines it holds."""
        return len(self._lines)

    def add(self, lines: Tensor) -> None:
        """Keep lines, int64[B, L + 2], the newest last."""
        self.seen += len(lines)
        self.put(lines, self.seen)

    def clear(self, seen: int) -> None:
        """Have all lines blank, as the end of ``seen`` lines."""
        self._lines.zero_()
        self.seen = seen

    def put(self, lines: Tensor, stop: int) -> None:
        """Hold lines, int64[n, L + 2], as those before line number ``stop``, where newer ones leave room."""
        count = min(len(lines), max(stop - self.seen + self.capacity, 0))
        places = torch.arange(stop - count, stop, device=self._lines.device) % self.capacity
        self._lines[places] = lines[len(lines) - count :]

    def forget(self, who: Tensor) -> Tensor:
        """Blank the lines of these users, int64[n]; return how many there were, an int64 scalar."""
        theirs = torch.isin(self._lines[:, 0], who)  # bool[capacity]
        self._lines.masked_fill_(theirs[:, None], 0)
        return theirs.sum()

    def draw(self, count: int, generator: torch.Generator, new_share: float = _NEW_SHARE) -> Tensor:
        """Return what ``count`` lines teach, drawn with replacement, int64[count, L + 1]; none if empty.

        The generator is one of the host.
        """
        if not self.seen:
            return self._lines[:0, 1:]
        of_new = int(count * new_share)
        newest = min(NEWEST, len(self))
        age = torch.cat([_ages(of_new, newest, generator), _ages(count - of_new, len(self), generator)])
        return self._lines[(self.seen - 1 - age).to(self._lines.device) % self.capacity, 1:]


def _ages(count: int, below: int, generator: torch.Generator) -> Tensor:
    return torch.randint(below, (count,), generator=generator)
