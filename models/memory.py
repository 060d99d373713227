"""Experience replay: past examples, kept in a ring and drawn again."""

import torch
from torch import Tensor

__all__ = ["Memory"]

# Half of a draw comes from the newest examples, half from all that are kept: what is hot now is
# rehearsed more often, and what is rare is not forgotten.
_NEW_SHARE = 0.5
_NEW = 20_000


class Memory:
    """A ring of the last ``capacity`` lines of int64 keys: a context of L items and the item that followed.

    Parameters
    ----------
    capacity
        How many lines are kept; 8 * (L + 1) bytes each.
    width
        L + 1.

    Attributes
    ----------
    seen
        Lines that were ever added.
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
        """Keep lines, int64[B, L + 1], the newest last."""
        self.seen += len(lines)
        lines = lines[-len(self._lines) :]
        self._lines[self._places(len(lines))] = lines

    def last(self, count: int) -> Tensor:
        """Return the newest ``count`` lines or all that are kept, the newest last: a copy."""
        return self._lines[self._places(min(count, len(self)))]

    def restore(self, lines: Tensor, seen: int) -> None:
        """Hold ``lines``, int64[n, L + 1], the newest last, as the end of ``seen`` lines."""
        self.seen = seen - len(lines)
        self.add(lines)

    def draw(self, count: int, generator: torch.Generator, new_share: float = _NEW_SHARE) -> Tensor:
        """Return ``count`` lines drawn with replacement, int64[count, L + 1]; none if nothing is kept.

        The generator is one of the host.
        """
        if not self.seen:
            return self._lines[:0]
        of_new = int(count * new_share)
        newest = min(_NEW, len(self))
        age = torch.cat([_ages(of_new, newest, generator), _ages(count - of_new, len(self), generator)])
        return self._lines[(self.seen - 1 - age).to(self._lines.device) % len(self._lines)]

    def _places(self, count: int) -> Tensor:
        """Return where the newest ``count`` lines stand, the newest last."""
        return torch.arange(self.seen - count, self.seen, device=self._lines.device) % len(self._lines)


def _ages(count: int, below: int, generator: torch.Generator) -> Tensor:
    return torch.randint(below, (count,), generator=generator)
