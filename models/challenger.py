"""A model that follows the examples beside the champion, and is judged by what both foresee of them."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from torch import Tensor

from models.batch import Bools, Longs
from models.context import CONTEXT_ITEMS, Context
from models.examples import NOBODY, Examples
from models.guardrails import Soundness, fault_of
from models.judgement import Judgement
from models.metrics import NOT_SCORED, K
from models.monitor import Foretold
from models.ranking import compact
from models.recommender import Recommender

__all__ = ["ALPHA", "PROBATION", "Challenger", "Standing", "Verdict", "contexts_after", "new_judgement"]

# The chance that a challenger that is no better is ever promoted, at most.
ALPHA: Final = 0.05
# How much more of the hit rate it must bring for sure: less is not worth a change of everything.
WORTH: Final = 0.001
# Pairs after which it is let go where nothing is for sure; the old champion, after a promotion.
PATIENCE: Final = 50_000
PROBATION: Final = 25_000
# Users whose lists are remembered, those who came last: 320 bytes of lists each.
_USERS: Final = 100_000


class Verdict(StrEnum):
    """What is known of a challenger, beside the champion."""

    UNKNOWN = ""
    BETTER = "better"
    WORSE = "worse"
    NO_BETTER = "no better"


class Standing(NamedTuple):
    """How a challenger stands after so many pairs: the hit rates of both, and where their difference is.

    After ``patience`` pairs it has to be known. For ``coverage`` and ``carts`` see `Soundness`.
    """

    pairs: int
    hit_rate: float
    of_champion: float
    low: float
    high: float
    patience: int = PATIENCE
    coverage: float = 1.0
    carts: float = 1.0

    @property
    def verdict(self) -> Verdict:
        """What is known; that it is no better once patience ends."""
        if self.low >= WORTH:
            return Verdict.BETTER
        if self.high <= 0:
            return Verdict.WORSE
        return Verdict.NO_BETTER if self.pairs >= self.patience else Verdict.UNKNOWN

    @property
    def fault(self) -> str:
        """Why it must not serve, however well it foresees; "" where nothing is wrong."""
        return fault_of(self.coverage, self.carts)


def new_judgement() -> Judgement:
    """Return what tells a challenger that is better by enough from one that is not better."""
    return Judgement(ALPHA, np.array([0.0, WORTH]))


class Challenger:
    """A model that is asked and taught beside a copy of the champion; neither serves anybody.

    After each event both make the list that they would have served; the user's next event is in it or not.
    They are asked at the same time and know the same, and what holds of one list holds of the other: what the
    champion itself did serve hangs on how far behind it was, and on what the shop withheld. The differences
    of the two make a confidence sequence (`Judgement`): it may be looked at after every event.

    Parameters
    ----------
    recommender
        Knows what happened before the first example that is followed.
    champion
        Likewise.
    patience
        Pairs after which a verdict is given.

    Attributes
    ----------
    recommender
        What it was given.
    """

    def __init__(self, recommender: Recommender, champion: Recommender, patience: int = PATIENCE) -> None:
        self.recommender = recommender
        self._both, self._patience = (recommender, champion), patience
        self._judgement = new_judgement()
        self._hits = np.zeros(2)  # of the challenger, of the champion
        self._soundness = Soundness()
        self._served: dict[int, Longs] = {}  # int64[2, K] by pseudonym, who came last the last

    def follow(self, examples: Examples) -> None:
        """Be judged by B examples, then learn from them."""
        here, item = examples.to(self.recommender.device), examples.item.numpy()
        lists = np.stack([self._lists(model, here) for model in self._both], axis=1)  # int64[B, 2, K]
        served, known = self._served_before(examples.who.tolist(), lists)
        known &= (examples.rank.numpy() != NOT_SCORED) & (examples.who.numpy() != NOBODY)
        hits = (served == item[:, None, None]).any(axis=2)[known]  # bool[pairs, 2]
        self._hits += hits.sum(axis=0)
        self._judgement.update_many(hits[:, 0].astype(np.float32) - hits[:, 1])
        for model in self._both:
            model.learn_many(here)
        heads = self.recommender.product.behaviour
        self._soundness.update_many(lists[:, 0], item)
        self._soundness.update_carts(Foretold(heads.foretold[0], heads.carts))

    def forget(self, users: Iterable[int]) -> None:
        """Forget what would have been served to users, by their pseudonyms."""
        for user in users:
            self._served.pop(user, None)

    @property
    def standing(self) -> Standing:
        """How it stands."""
        pairs, sound = self._judgement.count, self._soundness
        challenger, champion = (self._hits / max(pairs, 1)).tolist()
        interval = self._judgement.interval
        return Standing(pairs, challenger, champion, *interval, self._patience, sound.coverage, sound.carts)

    @staticmethod
    def _lists(model: Recommender, examples: Examples) -> Longs:
        """Return what a model would serve after each event, int64[B, K]."""
        context = contexts_after(examples)
        return model.predict_many(context, examples.item[:, None], K).items.cpu().numpy()

    def _served_before(self, who: list[int], lists: Longs) -> tuple[Longs, Bools]:
        """Return what both would have served before each event, int64[B, 2, K], and whether that is known."""
        before, known = np.zeros_like(lists), np.zeros(len(who), np.bool_)
        for place, user in enumerate(who):
            if (served := self._served.pop(user, None)) is not None:
                before[place], known[place] = served, True
            self._served[user] = lists[place].copy()  # a view would keep those of the whole step
        while len(self._served) > _USERS:
            del self._served[next(iter(self._served))]
        return before, known


def contexts_after(examples: Examples) -> Context:
    """Return what is known of the users once the examples' events have happened.

    Examples
    --------
    >>> from models.examples import no_examples
    >>> before = Context.of(np.array([[4, 6]]), np.array([[3, 3]], np.uint8), np.array([[20, 10]]))
    >>> one = torch.tensor([6]), torch.tensor([5], dtype=torch.uint8), torch.tensor([30])
    >>> after = contexts_after(no_examples()._replace(context=before, item=one[0], action=one[1], ts=one[2]))
    >>> after.items[0, :3].tolist(), after.ts[0, :3].tolist()
    ([6, 4, 0], [30, 20, 0])
    """
    newest: tuple[Tensor, ...] = examples.item, examples.action, examples.ts
    columns: list[Any] = [
        torch.cat([new[:, None], before], dim=1) for new, before in zip(newest, examples.context, strict=True)
    ]
    wanted = columns[0] != 0  # bool[B, 1 + L]
    wanted[:, 1:] &= columns[0][:, 1:] != examples.item[:, None]
    return Context(*compact(wanted, CONTEXT_ITEMS, *columns))
