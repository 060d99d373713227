"""How well the product foresaw events of one kind and another: where it is good, and where it is not."""

from collections import defaultdict

import torch
from torch import Tensor

from models.batch import ACTIONS
from models.examples import Examples
from models.metrics import Quality, Scoreboard

__all__ = ["Segments"]


class Segments:
    """Scoreboards of the product by what kind of event was foreseen; an event is in several.

    ``new user`` had one item before; ``new item`` is met by anybody for the first time; ``own item`` is one
    that the user has met before, ``other item`` any other; and one for each action.

    Examples
    --------
    >>> Segments().quality
    {}
    """

    def __init__(self) -> None:
        self._boards: dict[str, Scoreboard] = defaultdict(Scoreboard)
        self._met: set[int] = set()  # items

    @property
    def quality(self) -> dict[str, Quality]:
        """The figures of each kind that was scored, in no order."""
        found = {name: board.quality for name, board in self._boards.items()}
        return {name: quality for name, quality in found.items() if quality.scored}

    def update_many(self, examples: Examples) -> None:
        """Count the examples, whose ``rank`` says how they were foreseen, in order."""
        items = examples.context.items  # int64[B, L]
        is_new = self._first_met(examples.item)
        is_own = (items == examples.item[:, None]).any(dim=1)
        kinds = {
            "new user": items[:, 1] == 0,
            "new item": is_new,
            "own item": is_own,
            "other item": ~is_own & ~is_new,
        }
        for code in torch.unique(examples.action).tolist():
            kinds[ACTIONS[code - 1].value] = examples.action == code
        for name, chosen in kinds.items():
            self._boards[name].update_many(examples.rank[chosen])

    def _first_met(self, items: Tensor) -> Tensor:
        """Return which items (int64[B]) nobody has met before, bool[B]; from now on they are met."""
        is_new = []
        for item in items.tolist():
            is_new.append(item not in self._met)
            self._met.add(item)
        return torch.tensor(is_new, dtype=torch.bool, device=items.device)
