"""What is said of an item as a short vector, in which likeness is an angle."""

import math
import re
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from models.batch import Longs
from models.events import Item
from models.fingerprint import fingerprints
from models.sentences import SentenceEncoder

__all__ = ["SKETCH", "Sketches", "sketches"]

# Numbers of a sketch: with 64 the hit rate of two logs is 0.2 and 1.5 % lower, with 256 0.3 % higher.
SKETCH: Final = 128
# Things said of an item: category, brand, title, description, price.
_FIELDS: Final = 5
# Items whose grams are in memory at once: some 20 MB.
_AT_ONCE: Final = 256
# Words of a text that count; what a description says late says little of the item.
_WORDS: Final = 64
# Letters of a word, and levels of a category path, that count: what is longer is no word, and no path.
_LETTERS: Final = 32
_LEVELS: Final = 16
# Letters of a piece of a word: they make other forms and spellings of a word its likes.
_PIECE: Final = 3
# Prices are alike within this share of a doubling.
_PRICE_STEPS: Final = 4
# Scripts that put no space between words: each of their signs is taken for one.
_SIGNS: Final = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
_WORD: Final = re.compile(rf"[{_SIGNS}]|[^\W_{_SIGNS}]+")

Sketches = npt.NDArray[np.float32]


def sketches(items: Sequence[Item], encoder: SentenceEncoder | None = None) -> Sketches:
    """Return float32[n, SKETCH] of length 1, or 0 where nothing is said: alike for items described alike.

    Category path, brand, title, description and price weigh the same, each a sum of its hashed n-grams, with
    random signs so that the inner product of what shares nothing is 0 in the mean (Weinberger et al., Feature
    Hashing for Large Scale Multitask Learning, ICML 2009). The same on every machine. An encoder of `SKETCH`
    dimensions adds what title and description mean.

    Examples
    --------
    >>> titles = "red shoe", "blue shoe", "tv"
    >>> first, other, third = sketches([Item(item_id=title, ts=1, title=title) for title in titles])
    >>> bool(first @ other > 0.5 > first @ third)
    True
    """
    slices = (items[at : at + _AT_ONCE] for at in range(0, len(items), _AT_ONCE))
    return np.concatenate([np.zeros((0, SKETCH), np.float32), *(_sketched(some, encoder) for some in slices)])


def _sketched(items: Sequence[Item], encoder: SentenceEncoder | None) -> Sketches:
    grams = [list(field) for item in items for field in _fields(item)]
    fields = np.repeat(np.arange(len(grams)), [len(field) for field in grams])  # of each gram
    summed = _hashed(fingerprints(gram for field in grams for gram in field), fields, len(grams))
    whole = _of_length_one(summed).reshape(len(items), _FIELDS, SKETCH).sum(axis=1)
    if encoder is not None:
        whole += encoder.encode([f"{item.title or ''} {item.description or ''}" for item in items])
    return _of_length_one(whole).astype(np.float32)


def _hashed(hashes: Longs, owners: Longs, count: int) -> npt.NDArray[np.float64]:
    """Return the sums of the hashed grams of each owner, float64[count, SKETCH]: each has two places."""
    bits = hashes.view(np.uint64)
    found = np.zeros(count * SKETCH)
    for shift in (0, 32):
        half = (bits >> np.uint64(shift)).astype(np.uint32)
        place = owners * SKETCH + half % SKETCH
        found += np.bincount(place, 1.0 - 2.0 * (half >> 31), minlength=count * SKETCH)
    return found.reshape(count, SKETCH)


def _of_length_one(vectors: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(length == 0, 1, length)


def _fields(item: Item) -> Iterator[Iterator[str]]:
    """Yield the grams of each thing that can be said of an item, none where it is not."""
    path = item.category[:_LEVELS]
    yield (f"c{'/'.join(path[: depth + 1])}" for depth in range(len(path)))
    yield iter([f"b{item.brand.lower()}"] if item.brand else [])
    yield _grams(item.title or "")
    yield _grams(item.description or "")
    yield _prices(item.price)


def _grams(text: str) -> Iterator[str]:
    """Yield words, pairs of words, and pieces of words."""
    found = islice(_WORD.finditer(text.lower()), _WORDS)
    words = [word[0][:_LETTERS] for word in found]
    yield from words
    yield from (f"{word} {after}" for word, after in pairwise(words))
    for word in words:
        if len(word) > _PIECE:
            marked = f"<{word}>"
            yield from (marked[at : at + _PIECE] for at in range(len(marked) - _PIECE + 1))


def _prices(price: float | None) -> Iterator[str]:
    """Yield the steps of the price and those beside it, so that near prices share some."""
    if price is not None and 0 < price < math.inf:
        step = round(_PRICE_STEPS * math.log2(price))
        yield from (f"p{near}" for near in (step - 1, step, step + 1))
