"""What the made-up shop says of its items, in made-up words that tell category and kind."""

from collections.abc import Sequence
from itertools import islice
from typing import Final, NamedTuple

import numpy as np

from producers.shop.plan import ShopPlan
from producers.shop.stock import BRANCHES, KINDS, Stock

__all__ = ["Wording", "Words"]

_ONSETS: Final = (
    "b",
    "br",
    "d",
    "f",
    "gl",
    "k",
    "l",
    "m",
    "n",
    "p",
    "pr",
    "r",
    "s",
    "st",
    "t",
    "tr",
    "v",
    "z",
)
_VOWELS: Final = ("a", "e", "i", "o", "u", "ai", "ou")
_CODAS: Final = ("", "", "l", "n", "r", "s", "x")
# Common characters begin here: a made-up Chinese word is two of them.
_HAN: Final = (0x4E00, 0x6E00)
_CHINESE: Final = 0.1
_PER_LEAF: Final = 8
_PER_KIND: Final = 4
_COMMON: Final = 200
# Words of a description from the vocabularies of the leaf, of the kind, and of all.
_DESCRIBED: Final = (4, 3, 5)


class Wording(NamedTuple):
    """What is said of an item."""

    title: str
    description: str
    category: tuple[str, ...]
    brand: str


class _Language(NamedTuple):
    """Vocabularies: a list of words for each leaf and each kind, and words of all."""

    leaf: list[list[str]]
    kind: list[list[str]]
    common: list[str]


class Words:
    """Writes titles and descriptions; a share of the items has Chinese ones.

    A word of a leaf category, or of a kind within it, is found nowhere else.

    Examples
    --------
    >>> plan = ShopPlan(items=100)
    >>> wording = Words(plan, Stock(plan)).of(7)
    >>> len(wording.category), wording.brand in wording.title.lower()
    (3, True)
    """

    def __init__(self, plan: ShopPlan, stock: Stock) -> None:
        rng = np.random.default_rng((plan.seed, 5))
        leaves, brands = len(stock.first), int(stock.brand.max()) + 1
        names = _words(rng, 3 * leaves + brands + _words_of(leaves))
        self._stock = stock
        self._paths = _paths(names[: 3 * leaves], leaves)
        self._brands = names[3 * leaves :][:brands]
        self._latin = _language(names[3 * leaves + brands :], leaves)
        self._chinese = _language(_chinese_words(rng, _words_of(leaves)), leaves)
        self._is_chinese = rng.random(plan.items) < _CHINESE
        self._draws = rng.random((plan.items, 2 + sum(_DESCRIBED)))
        self._numbers = rng.integers(100, 1000, plan.items)

    def of(self, item: int) -> Wording:
        """Return what is said of the item of that number."""
        leaf, kind = int(self._stock.leaf[item]), int(self._stock.kind[item])
        language, between = (self._chinese, "") if self._is_chinese[item] else (self._latin, " ")
        of_leaf, of_kind = language.leaf[leaf], language.kind[leaf * KINDS + kind]
        leaf_words, kind_words, common_words = _DESCRIBED
        sources = [of_kind, of_leaf, *[of_leaf] * leaf_words, *[of_kind] * kind_words]
        sources += [language.common] * common_words
        draws = self._draws[item].tolist()
        chosen = [source[int(draw * len(source))] for source, draw in zip(sources, draws, strict=True)]
        brand = self._brands[self._stock.brand[item]]
        title = " ".join((brand.capitalize(), between.join(chosen[:2]), str(self._numbers[item])))
        return Wording(title, between.join(chosen[2:]), self._paths[leaf], brand)


def _words_of(leaves: int) -> int:
    """Return how many words a language has."""
    return leaves * (_PER_LEAF + KINDS * _PER_KIND) + _COMMON


def _language(words: Sequence[str], leaves: int) -> _Language:
    taken = iter(words)
    return _Language(
        [list(islice(taken, _PER_LEAF)) for _ in range(leaves)],
        [list(islice(taken, _PER_KIND)) for _ in range(leaves * KINDS)],
        list(taken),
    )


def _paths(names: Sequence[str], leaves: int) -> list[tuple[str, ...]]:
    """Return the category path of each leaf, root first."""
    roots, groups, own = names[:leaves], names[leaves : 2 * leaves], names[2 * leaves :]
    return [(roots[at // BRANCHES**2], groups[at // BRANCHES], own[at]) for at in range(leaves)]


def _words(rng: np.random.Generator, count: int) -> list[str]:
    """Return made-up words, each another one."""
    words: dict[str, None] = {}
    while len(words) < count:
        parts = [rng.choice(part, size=3).tolist() for part in (_ONSETS, _VOWELS, _CODAS)]
        syllables = ["".join(letters) for letters in zip(*parts, strict=True)]
        words["".join(syllables[: rng.integers(2, 4)])] = None
    return list(words)


def _chinese_words(rng: np.random.Generator, count: int) -> list[str]:
    """Return made-up words of two characters each, each another one."""
    first, end = _HAN
    pairs = rng.choice((end - first) ** 2, size=count, replace=False)
    return [chr(first + pair // (end - first)) + chr(first + pair % (end - first)) for pair in pairs.tolist()]
