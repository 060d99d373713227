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
    generator
        Draws the samples, on the host.
    """

    def __init__(self, capacity: int, width: int, device: torch.device, generator: torch.Generator) -> None:
        self._lines = torch.zeros(capacity, width, dtype=torch.int64, device=device)
        self._seen = 0
        self._generator = generator

    def __len__(self) -> int:
        return min(self._seen, len(self._lines))

    def add(self, lines: Tensor) -> None:
        """Keep lines, int64[B, L + 1], the newest last."""
        lines = lines[-len(self._lines) :]
        places = (torch.arange(len(lines), device=lines.device) + self._seen) % len(self._lines)
        self._lines[places] = lines
        self._seen += len(lines)

    def draw(self, count: int, new_share: float = _NEW_SHARE) -> Tensor:
        """Return ``count`` lines drawn with replacement, int64[count, L + 1]; none if nothing is kept."""
        if not self._seen:
            return self._lines[:0]
        of_new = int(count * new_share)
        newest = min(_NEW, len(self))
        age = torch.cat([self._ages(of_new, newest), self._ages(count - of_new, len(self))])
        return self._lines[(self._seen - 1 - age).to(self._lines.device) % len(self._lines)]

    def _ages(self, count: int, below: int) -> Tensor:
        return torch.randint(below, (count,), generator=self._generator)
