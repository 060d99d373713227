"""Adam for one small tensor, with a state that can be kept."""

from typing import Any, Final

import torch
from torch import Tensor

__all__ = ["Adam"]

_MEAN: Final = 0.9
_SQUARE: Final = 0.999
_TINY: Final = 1e-8


class Adam:
    """Steps of about ``rate`` in each direction, whatever the scale of the slope.

    (Kingma and Ba, Adam: A Method for Stochastic Optimization, ICLR 2015.)

    Parameters
    ----------
    weights
        Changed in place.
    rate
        The learning rate.
    """

    def __init__(self, weights: Tensor, rate: float) -> None:
        self._weights, self._rate = weights, rate
        self._mean, self._square = torch.zeros_like(weights), torch.zeros_like(weights)
        self._steps = 0

    def descend(self, slope: Tensor) -> None:
        """Take a step against a slope, shaped as the weights; one that is no number does not count."""
        slope = slope.where(slope.isfinite().all(), 0)
        self._steps += 1
        self._mean.lerp_(slope, 1 - _MEAN)
        self._square.lerp_(slope.square(), 1 - _SQUARE)
        mean = self._mean / (1 - _MEAN**self._steps)
        square = self._square / (1 - _SQUARE**self._steps)
        self._weights.sub_(self._rate * mean / (square.sqrt() + _TINY))

    @property
    def state(self) -> dict[str, Any]:
        """The weights and what led to them, of types that msgpack has."""
        return {"steps": self._steps} | {
            name: tensor.cpu().numpy().tobytes() for name, tensor in self._tensors.items()
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self._steps = state["steps"]
        for name, tensor in self._tensors.items():
            tensor.copy_(torch.frombuffer(bytearray(state[name]), dtype=torch.float32).view_as(tensor))

    @property
    def _tensors(self) -> dict[str, Tensor]:
        return {"weights": self._weights, "mean": self._mean, "square": self._square}
