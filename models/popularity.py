"""What everybody looks at now: the baseline of all baselines, and the answer for a new user."""

from typing import ClassVar, Final, NamedTuple

import torch
from torch import Tensor

from models.context import Context
from models.examples import Examples
from models.ranking import Ranking, compact, is_among
from models.table import Column, Table
from models.unavailable import Unavailable

__all__ = ["LASTING", "TREND", "Decay", "Popularity"]


class Decay(NamedTuple):
    """Where the counts are kept, and after how many events each counts half."""

    column: str
    half_life: int


# Two days of a small shop or minutes of a large one; the reference scores were taken with the same.
LASTING: Final = Decay("mass", 20_000)
# What has come up just now.
TREND: Final = Decay("trend", 2_000)


class Popularity:
    """Items by decayed count of events, with a half-life counted in events.

    Masses grow instead of decaying, so that an event changes its item's row alone: the n-th event counts
    2^(1 + n / half-life), and the column holds the binary logarithm of the sum, 0 for no event.

    Parameters
    ----------
    table
        Has `COLUMNS`; others may keep theirs in the same rows.
    places
        Items it keeps in order: as many as the longest ranking has, and as may be banned from it.
    unavailable
        Items that are not among them; `rank` is called when they change.
    decay
        How quickly it forgets.

    Attributes
    ----------
    seen
        Events counted so far.
    top_rows
        int64[places] rows at most, the most popular first.
    """

    COLUMNS: ClassVar = {decay.column: Column((), torch.float64) for decay in (LASTING, TREND)}

    def __init__(
        self, table: Table, places: int, unavailable: Unavailable | None = None, decay: Decay = LASTING
    ) -> None:
        self._table = table
        self._column = decay.column
        self._unavailable = unavailable or Unavailable(table.device)
        self._half_life = decay.half_life
        self._places = places
        self.seen = 0
        self.top_rows = torch.zeros(0, dtype=torch.int64, device=table.device)

    def learn_many(self, examples: Examples) -> Tensor:
        """Count each example's item once; the losses are 0."""
        by_example = self._table.admit(examples.item)  # int64[B]
        rows, place = torch.unique(by_example, return_inverse=True)  # int64[U], int64[B]
        count = len(by_example)
        self.seen += count
        nth = torch.arange(count, device=rows.device)
        new = torch.exp2((nth - count).to(torch.float64) / self._half_life)  # float64[B]
        added = new.new_zeros(len(rows)).index_add_(0, place, new)
        # Powers and logarithms differ in their last bit between the lanes of a vector unit and what is left
        # over. An example stands where it stands, whatever rows the items have here.
        logs = self._now + (self._masses(by_example) + added[place]).log2()  # float64[B]
        last = torch.zeros_like(rows).scatter_reduce_(0, place, nth, "amax")
        self._table[self._column][rows] = logs[last]
        self._table.touch(rows)
        self._order(torch.unique(torch.cat([self.top_rows, rows])))
        return torch.zeros(count, device=rows.device)

    def predict_many(self, context: Context, banned: Tensor, k: int) -> Ranking:
        """Return the most popular items, the same for all but for what is banned."""
        enough = k + banned.shape[1]  # k are left if all that is banned is among them
        rows = self.top_rows[:enough]
        top = self._table.take("key", rows).expand(len(context.items), -1)  # int64[B, enough]
        mass = self._masses(rows).to(torch.float32)
        items, scores = compact(~is_among(top, banned), k, top, mass.expand(len(context.items), -1))
        return Ranking(items, scores, torch.zeros_like(items, dtype=torch.uint8))

    def restore(self, seen: int) -> None:
        """Go on after ``seen`` events from what the table holds."""
        self.seen = seen
        self.rank()

    def shares(self, rows: Tensor) -> Tensor:
        """Return how popular rows are beside the most popular one, 0 to 1, float32, shaped as ``rows``."""
        most = self._masses(self.top_rows[:1]).sum() + 1
        return (self._masses(rows) / most).to(torch.float32)

    def shares_of_events(self, rows: Tensor) -> Tensor:
        """Return what share of all events rows had of late, float32, shaped as ``rows``."""
        fade = 2 ** (-1 / self._half_life)
        total = fade * (1 - fade**self.seen) / (1 - fade)  # of all masses
        return (self._masses(rows) / (total or 1.0)).to(torch.float32)

    def rank(self) -> None:
        """Put the items in order; called after each change of the table that is not its own."""
        self._order(torch.arange(len(self._table[self._column]), device=self._table.device))

    @property
    def _now(self) -> float:
        """The logarithm of what the next event counts."""
        return 1 + self.seen / self._half_life

    def _masses(self, rows: Tensor) -> Tensor:
        """Return decayed counts beside the next event, which counts 1: float64, shaped as ``rows``."""
        logs = self._table.take(self._column, rows)
        return torch.where(logs == 0, 0.0, torch.exp2(logs - self._now))

    def _order(self, rows: Tensor) -> None:
        """Put rows in order, int64[n], distinct: all that may be among the first."""
        self._table[self._column][0] = 0  # where items beyond the limit were counted
        rows = rows[~self._unavailable.among(self._table.take("key", rows))]
        best = self._table.take(self._column, rows).topk(min(self._places, len(rows)))
        self.top_rows = rows[best.indices[best.values > 0]]
