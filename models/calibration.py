"""How much more comes of views than was foretold, the late part of it included."""

from collections.abc import Sequence
from typing import Any, Final

import torch
from torch import Tensor

__all__ = ["WINDOW_HOURS", "Calibration"]

_HOUR_MS: Final = 3_600_000
# What comes of a view later than this came of something else.
WINDOW_HOURS: Final = 7 * 24
# What was seen counts half after so long. The heads catch up with what comes late within days: with 24 hours
# what was foretold of purchases came out 2 % too high in a simulation, with 48 hours 4 %.
_HALF_LIFE_HOURS: Final = 12
# How much has to be foretold of an age, in carts or purchases, to count as much as what is expected of it.
_PRIOR: Final = 10.0


class Calibration:
    """The ratio of what comes to what was foretold, though most of what comes late has not come yet.

    Views are counted by the hour, each as much as was foretold of it. What comes is set against the views of
    its age alone, and the shares of all ages are added up, so that an age that the newest views have not
    reached does not count as nothing (the chain-ladder method of insurers: Mack, Distribution-free
    Calculation of the Standard Error of Chain Ladder Reserve Estimates, ASTIN Bulletin 1993). Counts live on
    the host.

    Parameters
    ----------
    tails
        Of each thing that the ratio is told of, how late it comes until that is known: as (n + 1)^-tail at an
        age of n hours.

    Attributes
    ----------
    ratio
        float32[A].

    Examples
    --------
    >>> calibration = Calibration([2.0])
    >>> round(float(calibration.ratio[0]), 3)
    1.0
    """

    def __init__(self, tails: Sequence[float]) -> None:
        ages = torch.arange(1, WINDOW_HOURS + 1, dtype=torch.float32) ** -torch.tensor(tails)[:, None]
        self._expected = ages / ages.sum(dim=1, keepdim=True)  # float32[A, T]
        self._hour = 0  # since the Unix epoch, the one under way; 0 before the first
        self._before = 0  # of the batch before
        # float32[4, A, T]: foretold of the views of this hour and of those before; what came in this hour, by
        # age; and of all hours before, by age, what came, and what was foretold of the views that reached it.
        self._counts = torch.zeros(4, len(tails), WINDOW_HOURS)
        self._weigh()

    def update_many(self, ts: Tensor, age: Tensor, foretold: Tensor, came: Tensor) -> None:
        """Count N lines.

        Parameters
        ----------
        ts, age
            int64[N], when they came, in milliseconds since the Unix epoch, and how long after the view.
        foretold
            float32[A, N], of views; 0 of others.
        came
            bool[A, N].
        """
        if not len(ts):
            return
        hours = ts // _HOUR_MS
        self._move_to(int(hours.max()), int(hours.median()))
        now, arrived = self._counts[:2]
        now[:, 0] += foretold.sum(dim=1)
        # A batch over two hours is all of the newer one; but one clock may be ahead, or all this an old log.
        at = torch.where(hours + 1 < self._hour, hours, self._hour)
        ages = (at - (ts - age) // _HOUR_MS).clamp(min=0)
        inside = ages < WINDOW_HOURS
        arrived.index_add_(1, ages[inside], came[:, inside].to(torch.float32))

    def _move_to(self, newest: int, middle: int) -> None:
        """Go on to the newest hour of a batch, or, where that is a leap, to its middle one.

        And there only once the middle of the next is as late: one clock that is ahead does not count, nor all
        of one batch. Time may begin anew: an old log.
        """
        before, self._before = self._before or middle, middle
        is_leap = self._hour and newest > self._hour + 1
        hour = min(middle, before) if is_leap else newest
        if not self._hour or max(middle, before) < self._hour - WINDOW_HOURS:
            self._hour = hour
        for _ in range(min(hour - self._hour, WINDOW_HOURS)):
            self._close_hour()
        self._hour = max(self._hour, hour)

    def _close_hour(self) -> None:
        now, arrived, actual, exposed = self._counts
        fade = 2 ** (-1 / _HALF_LIFE_HOURS)
        actual.mul_(fade).add_(arrived)
        exposed.mul_(fade).add_(now)
        arrived.zero_()
        now.copy_(now.roll(1, dims=1))
        now[:, 0] = 0
        self._weigh()

    def _weigh(self) -> None:
        _, _, actual, exposed = self._counts
        self.ratio = ((actual + _PRIOR * self._expected) / (exposed + _PRIOR)).sum(dim=1)

    @property
    def state(self) -> dict[str, Any]:
        """The counts, of types that msgpack has."""
        return {"hour": self._hour, "before": self._before, "counts": self._counts.numpy().tobytes()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self._hour, self._before = state["hour"], state["before"]
        counts = torch.frombuffer(bytearray(state["counts"]), dtype=torch.float32)
        self._counts.copy_(counts.view_as(self._counts))
        self._weigh()
