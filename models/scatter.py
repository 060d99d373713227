"""Numbers that look random and follow from a key alone: the first values of an item's row."""

import math
from typing import Final

import torch
from torch import Tensor

__all__ = ["scattered", "scattered_bits"]

# SplitMix64 (Steele, Lea and Flood, Fast Splittable Pseudorandom Number Generators, OOPSLA 2014), whose
# constants and shifts are of unsigned numbers; torch has signed ones that wrap the same way.
_GOLDEN: Final = 0x9E3779B97F4A7C15 - 2**64
_MULTIPLIERS: Final = (0xBF58476D1CE4E5B9 - 2**64, 0x94D049BB133111EB - 2**64)
_SHIFTS: Final = (30, 27)
_LAST_SHIFT: Final = 31
# Numbers of 16 bits in a word of 64.
_IN_A_WORD: Final = 4
# Uniform over (-1, 1) has a standard deviation of 1 / sqrt(3).
_WIDTH: Final = math.sqrt(3)


def scattered(keys: Tensor, shape: tuple[int, ...], seed: int) -> Tensor:
    """Return float32[B, *shape] of mean 0 and standard deviation 1, uniform, the same on every device.

    Each is one of 65,536 values: four are made of a word, as most of what a new row costs is to draw them.
    Two keys (int64[B]) have unrelated numbers, and so have two seeds.

    Examples
    --------
    >>> numbers = scattered(torch.arange(1000), (64,), seed=7)
    >>> round(float(numbers.std()), 2), abs(float(numbers.mean())) < 0.02
    (1.0, True)
    """
    count = math.prod(shape)
    bits = scattered_bits(keys, -(-count // _IN_A_WORD), seed).view(torch.int16)[
        :, :count
    ]  # in [-2^15, 2^15)
    return (bits.to(torch.float32) * (_WIDTH / 2**15)).view(len(keys), *shape)


def scattered_bits(keys: Tensor, count: int, seed: int) -> Tensor:
    """Return int64[B, count] of random bits that follow from each key (int64[B]) and the seed.

    Examples
    --------
    >>> bits = scattered_bits(torch.arange(1000), 64, seed=7)
    >>> round(float((bits & 1).float().mean()), 2)
    0.5
    """
    places = torch.arange(count, device=keys.device)  # int64[P]
    first = _mixed(keys + _mixed(torch.full_like(keys, seed)))  # int64[B]
    return _mixed(first[:, None] + places * _GOLDEN)


def _mixed(numbers: Tensor) -> Tensor:
    for shift, multiplier in zip(_SHIFTS, _MULTIPLIERS, strict=True):
        numbers = (numbers ^ _shifted(numbers, shift)) * multiplier
    return numbers ^ _shifted(numbers, _LAST_SHIFT)


def _shifted(numbers: Tensor, places: int) -> Tensor:
    """Return the numbers shifted right with zeros coming in, as unsigned ones are."""
    return (numbers >> places) & ((1 << (64 - places)) - 1)
