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

__all__ = ["Examples", "examples_of", "no_examples", "teaching_of"]

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
    who: Tensor  # int64[B] pseudonyms of the users

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
        """Whether something was known of the user before, bool[B]."""
        return self.context.items[:, 0] != 0


def teaching_of(batch: Batch, seen: Observations) -> Bools:
    """Return which of the observed events teach, bool[M].

    Those that take an interest back do not, nor do those of users who have done more than 20 things but buy
    within the minute before: no person looks at that much, and no program is to move the model. On five real
    logs no event is one of these.
    """
    action = batch.action[seen.kept]
    since = batch.ts[seen.kept][:, np.newaxis] - seen.before.ts  # int64[M, H]
    lately = (since >= 0) & (since < _MINUTE_MS) & (seen.before.item != 0) & ~IS_ORDER[seen.before.action]
    is_too_much = (lately.sum(axis=1) >= _MOST_A_MINUTE) & ~IS_ORDER[action]
    teaching: Bools = ~TAKES_BACK[action] & ~is_too_much
    return teaching


def examples_of(batch: Batch, seen: Observations, teaching: Bools, served: Longs, who: Longs) -> Examples:
    """Return the examples of the observed events that teach.

    Parameters
    ----------
    batch
        The events.
    seen
        What they showed.
    teaching
        bool[M], see `teaching_of`.
    served
        int64[M, K], the recommendation that was in force before each event, 0-padded.
    who
        int64[M], the pseudonyms of the events' users.
    """
    kept = seen.kept[teaching]
    item = torch.from_numpy(batch.item[kept])  # int64[B]
    rank = rank_of(item, torch.from_numpy(served[teaching]))  # int8[B]
    return Examples(
        context=Context.of(
            seen.before.item[teaching], seen.before.action[teaching], seen.before.ts[teaching]
        ),
        item=item,
        action=torch.from_numpy(batch.action[kept]),
        ts=torch.from_numpy(batch.ts[kept]),
        rank=torch.where(torch.from_numpy(seen.scored[teaching]), rank, NOT_SCORED).to(torch.int8),
        who=torch.from_numpy(who[teaching]),
    )


def no_examples() -> Examples:
    """Return a run of no examples."""
    whole, byte = torch.zeros(0, dtype=torch.int64), torch.zeros(0, dtype=torch.uint8)
    context = Context(*(column.view(0, CONTEXT_ITEMS) for column in (whole, byte, whole)))
    return Examples(context, whole, byte, whole, byte.to(torch.int8), whole)
