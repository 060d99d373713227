"""The net of SASRec: what comes next, from what came before, by self-attention."""

import math
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, embedding, linear, scaled_dot_product_attention

__all__ = ["LENGTH", "AttentionNet"]

# Axes: B sequences of L items, 0-padded at their ends; D numbers a vector; T places that have a next item.
LENGTH: Final = 30
_WIDTH: Final = 64
_BLOCKS: Final = 2
_NEGATIVES: Final = 256
_DROPPED: Final = 0.5  # the paper's, where a log is sparse


def _drawn(rows: int, generator: torch.Generator) -> nn.Parameter:
    """Return float32[rows, D], small enough for the first scores to be all alike."""
    return nn.Parameter(torch.randn(rows, _WIDTH, generator=generator) / _WIDTH)


class _Dropout(nn.Module):
    """As torch's, which draws from a state that all of the process shares."""

    def __init__(self, generator: torch.Generator) -> None:
        super().__init__()
        self._generator = generator

    def forward(self, x: Tensor) -> Tensor:
        """Return as much, a part of it 0 while it is trained."""
        if not self.training:
            return x
        kept = torch.rand(x.shape, generator=self._generator) >= _DROPPED
        return x * kept / (1 - _DROPPED)


class _Block(nn.Module):
    """Attention to the places before, then a feed-forward net at each place; one head, as in the paper."""

    def __init__(self, generator: torch.Generator) -> None:
        super().__init__()
        self._dropout = _Dropout(generator)
        self.before_attention, self.before_net = nn.LayerNorm(_WIDTH), nn.LayerNorm(_WIDTH)
        self.query_key_value = _drawn(3 * _WIDTH, generator)
        self.up, self.down = _drawn(_WIDTH, generator), _drawn(_WIDTH, generator)

    def forward(self, x: Tensor) -> Tensor:
        """Return float32[B, L, D] for as much."""
        query, key, value = linear(self.before_attention(x), self.query_key_value).chunk(3, dim=2)
        x = x + self._dropout(scaled_dot_product_attention(query, key, value, is_causal=True))
        more = linear(linear(self.before_net(x), self.up).relu(), self.down)  # float32[B, L, D]
        out: Tensor = x + self._dropout(more)
        return out


class AttentionNet(nn.Module):
    """Item vectors, and blocks that make of those up to a place the vector of what comes next.

    Parameters
    ----------
    generator
        Draws the first values and the negatives.
    """

    def __init__(self, generator: torch.Generator) -> None:
        super().__init__()
        self._generator, self._dropout = generator, _Dropout(generator)
        self.items = _drawn(1, generator)  # float32[1 + items, D]; row 0 is padding
        self.places = _drawn(LENGTH, generator)
        self.blocks = nn.Sequential(*(_Block(generator) for _ in range(_BLOCKS)))
        self.last = nn.LayerNorm(_WIDTH)

    def grow(self, items: int) -> None:
        """Make room for items with the numbers 1 to ``items``."""
        more = _drawn(1 + items - len(self.items), self._generator)
        self.items = nn.Parameter(torch.cat([self.items.detach(), more.detach()]))

    def forward(self, sequences: Tensor) -> Tensor:
        """Return what is likely after each place: int64[B, L] -> float32[B, L, D]."""
        x = math.sqrt(_WIDTH) * embedding(sequences, self.items) + self.places[: sequences.shape[1]]
        hidden: Tensor = self.last(self.blocks(self._dropout(x)))
        return hidden

    def loss(self, sequences: Tensor) -> Tensor:
        """Return the mean cross-entropy of what came next, among items drawn from all, int64[B, L + 1]."""
        following = sequences[:, 1:]
        hidden = self(sequences[:, :-1])[following != 0]  # float32[T, D]
        wanted = following[following != 0]  # int64[T]
        drawn = torch.randint(1, len(self.items), (_NEGATIVES,), generator=self._generator)
        # As many as there are: so the sum over the drawn ones is that over all, but for chance.
        others = hidden @ self.items[drawn].T + math.log((len(self.items) - 1) / _NEGATIVES)  # float32[T, N]
        others = others.masked_fill(drawn == wanted[:, None], -math.inf)
        score = (hidden * self.items[wanted]).sum(dim=1, keepdim=True)
        return cross_entropy(torch.cat([score, others], dim=1), torch.zeros_like(wanted))
