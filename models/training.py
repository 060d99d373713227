"""A challenger's training: passes over a window of examples, for as long as the newest tell of it."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import torch

from models.copies import restored
from models.examples import Examples
from models.metrics import NOT_SCORED, K, rank_of
from models.recommender import Recommender
from models.snapshot import Snapshot

__all__ = ["Lap", "Trained", "Training"]

# Examples of a step: as many as the learner takes at an ordinary load.
_STEP: Final = 64
# What is held back to see what helps: a tenth, at most as many as tell half of a percent apart, and no more
# than half of what has come since the change.
_NEWEST: Final = 0.1
_NEWEST_EXAMPLES: Final = 10_000
_OF_RECENT: Final = 0.5
_PASSES: Final = 3


class Lap(NamedTuple):
    """A pass over a window that has ended."""

    window: int  # examples
    pass_number: int  # from 1


class Trained(NamedTuple):
    """What came of a window: the model, and how it did on the newest examples."""

    recommender: Recommender
    window: int  # examples
    hit_rates: list[float]  # after each pass
    prequential_hit_rate: float  # while it learnt them, each tested first


class Training:
    """Trains a new model on a window of examples, the oldest first, and another on what is recent.

    What is counted is counted once, in order, so that the newest count most; vectors are learnt again, pass
    after pass, for as long as the newest examples, which are held back, are foreseen better for it (early
    stopping: Prechelt, Early Stopping - But When?, 1998). Then they are learnt as well, each tested first,
    and tell which of the two is better: where nearly all has changed, what was before only misleads.

    Parameters
    ----------
    new
        Returns a model that knows nothing.
    runs
        The window.
    recent
        How many of its last examples have come since something has changed; 0 where nothing is known of that.
    """

    def __init__(self, new: Callable[[], Recommender], runs: Sequence[Examples], recent: int = 0) -> None:
        self._new = new
        steps = Examples.join(runs).steps(_STEP)
        held = min(_NEWEST * len(steps), _NEWEST_EXAMPLES / _STEP)
        if recent:
            held = min(held, _OF_RECENT * recent / _STEP)
        older, self._newest = steps[: len(steps) - int(held)], steps[len(steps) - int(held) :]
        lately = older[max(len(steps) - recent // _STEP, 0) :] if recent else []
        self._windows = [window for window in (older, lately) if window]

    def run(self, report: Callable[[Lap], None] = lambda _: None) -> Trained:
        """Train; ``report`` is called after each pass."""
        found = [self._trained(window, report) for window in self._windows]
        return max(found, key=lambda trained: trained.prequential_hit_rate)

    def _trained(self, window: list[Examples], report: Callable[[Lap], None]) -> Trained:
        recommender, size = self._new(), _size(window)
        for step in window:
            recommender.learn_many(step.to(recommender.device))
        report(Lap(size, 1))
        hit_rates, kept = [self._hit_rate(recommender)], [recommender.take_changes()]
        for number in range(2, _PASSES + 1):
            for step in window:
                recommender.rehearse_many(step.to(recommender.device))
            report(Lap(size, number))
            hit_rates.append(self._hit_rate(recommender))
            if hit_rates[-1] <= hit_rates[-2]:
                recommender = self._restored(kept, window)
                break
            kept.append(recommender.take_changes())
        return Trained(recommender, size, hit_rates, self._hit_rate(recommender, learning=True))

    def _hit_rate(self, recommender: Recommender, *, learning: bool = False) -> float:
        """Return the share of the newest that it foresees, of those that can be; learn them or not."""
        hits = scored = 0
        for step in self._newest:
            chosen = (step.rank != NOT_SCORED) & step.teaches
            context = step.context.take(chosen).to(recommender.device)
            served = recommender.predict_many(context, context.items[:, :1], K).items.cpu()
            hits += int((rank_of(step.item[chosen], served) > 0).sum())
            scored += int(chosen.sum())
            if learning:
                recommender.learn_many(step.to(recommender.device))
        return hits / max(scored, 1)

    def _restored(self, parts: Sequence[Snapshot], window: Sequence[Examples]) -> Recommender:
        """Return what a model was whose changes these are, having learnt the window."""
        items = torch.cat([step.item[step.teaches] for step in window])
        return restored(self._new(), parts, items.numpy())


def _size(window: Sequence[Examples]) -> int:
    return sum(len(step.item) for step in window)
