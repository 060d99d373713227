"""How well events were foreseen: the product by what it served, baselines by what they would have served."""

from collections.abc import Mapping, Sequence
from typing import Final

from models.examples import Examples
from models.learner import Learner
from models.metrics import NOT_SCORED, K, Quality, Scoreboard, rank_of

__all__ = ["PRODUCT", "Exam"]

# What the product's own line is called beside the baselines.
PRODUCT: Final = "headrace"


class Exam:
    """The scoreboards of the product and of its baselines.

    Parameters
    ----------
    baselines
        By name; they are asked, not taught.
    """

    def __init__(self, baselines: Mapping[str, Learner]) -> None:
        self._baselines = baselines
        self._boards = {name: Scoreboard() for name in (PRODUCT, *baselines)}

    @property
    def quality(self) -> dict[str, Quality]:
        """The figures so far of the product and of each baseline."""
        return {name: board.quality for name, board in self._boards.items()}

    @property
    def ranks(self) -> dict[str, list[int]]:
        """How often each place was seen, by name: from which another goes on."""
        return {name: board.counts for name, board in self._boards.items()}

    def restore(self, ranks: Mapping[str, Sequence[int]]) -> None:
        """Go on from the ``ranks`` of another."""
        self._boards = {name: Scoreboard(counts) for name, counts in ranks.items()}

    def test_many(self, examples: Examples) -> None:
        """Score the product by what was served, and each baseline by what it would serve now."""
        self._boards[PRODUCT].update_many(examples.rank)
        scored = examples.rank != NOT_SCORED  # bool[B]
        context = examples.context.take(scored)
        item = examples.item[scored]
        for name, baseline in self._baselines.items():
            served = baseline.predict_many(context, context.items[:, :1], K).items
            self._boards[name].update_many(rank_of(item, served))
