"""Training examples: an event, what was known of its user before it, and how well it was foreseen."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import torch
from torch import Tensor

from models.batch import IS_ORDER, TAKES_BACK, Batch, Bools, Longs
from models.context import CONTEXT_ITEMS, Context
from models.metrics import NOT_SCORED, rank_of
from models.observation import Observations

__all__ = ["NOBODY", "Examples", "examples_of", "is_too_much", "no_examples"]

# In place of a pseudonym: what this user does is tested, and teaches nothing.
NOBODY: Final = 0

_MINUTE_MS: Final = 60_000
_MOST_A_MINUTE: Final = 20


class Examples(NamedTuple):
    """Columns of B events, in the order in which they are tested and learnt.

    ``rank`` is the item's place in the recommendation that the user's event before led to: 1 is best,
    `MISSED` is not in it, `NOT_SCORED` is no test (the contract's "How quality is scored").
    """

    context: Context  # before the event
    item: Tensor  # int64[B] keys
    action: Tensor  # uint8[B] codes
    ts: Tensor  # int64[B] milliseconds since the Unix epoch
    rank: Tensor  # int8[B]
    who: Tensor  # int64[B] pseudonyms of the users, or `NOBODY`

    def to(self, device: torch.device) -> "Examples":
        """Return the same on ``device``, copied without waiting where the device allows it."""
        columns = (column.to(device, non_blocking=True) for column in self[1:])
        return Examples(self.context.to(device), *columns)

    @classmethod
    def join(cls, parts: "Sequence[Examples]") -> "Examples":
        """Return at least one run of examples as one, in order."""
        columns = zip(*((*part.context, *part[1:]) for part in parts), strict=True)
        joined = [torch.cat(pieces) for pieces in columns]
        return cls(Context(*joined[:3]), *joined[3:])

    def steps(self, size: int | list[int]) -> "list[Examples]":
        """Return the same in runs, in order: of at most ``size`` examples, or of these sizes exactly."""
        columns = [torch.split(column, size) for column in (*self.context, *self[1:])]
        return [Examples(Context(*run[:3]), *run[3:]) for run in zip(*columns, strict=True)]

    def take(self, chosen: Bools) -> "Examples":
        """Return the chosen ones, bool[B]; the same where all are."""
        if chosen.all():
            return self
        here = torch.from_numpy(chosen).to(self.item.device)
        columns = [column[here] for column in (*self.context, *self[1:])]
        return Examples(Context(*columns[:3]), *columns[3:])

    @property
    def teaches(self) -> Tensor:
        """Whether something was known of the user before, and it is somebody, bool[B]."""
        return (self.context.items[:, 0] != 0) & (self.who != NOBODY)


def examples_of(batch: Batch, seen: Observations, served: Longs, who: Longs) -> Examples:
    """Return the examples of the observed events, without those that take an interest back.

    Parameters
    ----------
    batch
        The events.
    seen
        What they showed.
    served
        int64[M, K], the recommendation that was in force before each event, 0-padded.
    who
        int64[M], the pseudonyms of the events' users.
    """
    teaching = ~TAKES_BACK[batch.action[seen.kept]]  # bool[M]
    kept = seen.kept[teaching]
    item = torch.from_numpy(batch.item[kept])  # int64[B]
    rank = rank_of(item, torch.from_numpy(served[teaching]))  # int8[B]
    return Examples(
        context=Context.of(*(column[teaching] for column in seen.before)),
        item=item,
        action=torch.from_numpy(batch.action[kept]),
        ts=torch.from_numpy(batch.ts[kept]),
        rank=torch.where(torch.from_numpy(seen.scored[teaching]), rank, NOT_SCORED).to(torch.int8),
        who=torch.from_numpy(np.where(is_too_much(batch, seen), NOBODY, who)[teaching]),
    )


def is_too_much(batch: Batch, seen: Observations) -> Bools:
    """Return which of the observed events are of users who have done 20 things but buy in the minute before.

    They are bool[M]. No person looks at that much, and no program is to move the model; what is bought
    counts. On five real logs no event is one of these.
    """
    action = batch.action[seen.kept]
    since = batch.ts[seen.kept][:, np.newaxis] - seen.before.ts  # int64[M, H]
    lately = (since >= 0) & (since < _MINUTE_MS) & (seen.before.item != 0) & ~IS_ORDER[seen.before.action]
    found: Bools = (lately.sum(axis=1) >= _MOST_A_MINUTE) & ~IS_ORDER[action]
    return found


def no_examples() -> Examples:
    """Return a run of no examples."""
    whole, byte = torch.zeros(0, dtype=torch.int64), torch.zeros(0, dtype=torch.uint8)
    context = Context(*(column.view(0, CONTEXT_ITEMS) for column in (whole, byte, whole)))
    return Examples(context, whole, byte, whole, byte.to(torch.int8), whole)
