"""Trials of challengers whose quality is known, drawn from it: how often they are promoted."""

from typing import Final

import numpy as np

from models.challenger import Standing, Verdict, new_judgement

__all__ = ["BETTER_BY", "promoted"]

# In a tenth of the events one of two models hits and the other does not: so it is between a model and itself,
# trained anew, on retailrocket and on the made-up shop.
_DISCORD: Final = 0.1
BETTER_BY: Final = 0.01
# Pairs between two looks: a verdict may come at any of them.
_LOOK: Final = 1_000


def promoted(trials: int, better_by: float) -> float:
    """Return the share of trials in which a challenger that is better by so much is promoted."""
    return sum(_is_promoted(np.random.default_rng(seed), better_by) for seed in range(trials)) / trials


def _is_promoted(rng: np.random.Generator, better_by: float) -> bool:
    judgement, verdict = new_judgement(), Verdict.UNKNOWN
    while not verdict:
        drawn = rng.random(_LOOK)
        wins, losses = drawn < (_DISCORD + better_by) / 2, drawn > 1 - (_DISCORD - better_by) / 2
        judgement.update_many(wins.astype(np.float32) - losses)
        verdict = Standing(judgement.count, 0.0, 0.0, *judgement.interval).verdict
    return verdict is Verdict.BETTER
