"""Whether the model foresees worse than of late: River's ADWIN on what the hours do not explain."""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import numpy as np
from river.drift import ADWIN

from models.batch import Floats, Longs
from models.season import Season

__all__ = ["Alarm", "Gauge"]

_HOUR_MS: Final = 3_600_000
# The chance of a false cut at each of ADWIN's looks. With 0.001 it cuts twice a week where nothing happens.
_DELTA: Final = 1e-5
# What of all that can be lost must be lost: shops change a little all the time, and ADWIN finds even that.
_WORTH: Final = 0.04
# While it is not known what the hours bring by themselves.
_WORTH_AT_FIRST: Final = 0.15
# Values by whose mean that is told: ADWIN notices a change of a tenth within some hundred, and knows little
# of its size then.
_WEIGHED: Final = 2_500


class Alarm(NamedTuple):
    """A rise of what should be low, and that it is no chance.

    ``before`` and ``after`` are the level and the mean since ADWIN noticed the change, without what the hours
    bring; ``window`` is how many values that is, ``value`` the last of them.
    """

    signal: str
    ts: int  # of the last event, in milliseconds since the Unix epoch
    value: float
    window: int
    before: float
    after: float


class _Suspicion(NamedTuple):
    """A change that was noticed: the level before it, and the sum and the number of the values since."""

    before: float
    total: float = 0.0
    values: int = 0


class Gauge:
    """Watches one figure from 0 to 1 that should be low, such as whether an event was missed.

    What the hour of the day usually brings is taken away (`Season`). A change of the rest that is no chance
    (Bifet and Gavalda, Learning from Time-Changing Data with Adaptive Windowing, SDM 2007) is looked at for
    2,500 values: a rise that takes 4 % of what there is to lose (15 % in the first days) is an alarm.

    Parameters
    ----------
    name
        Of the signal.

    Examples
    --------
    >>> gauge, ts = Gauge("missed"), np.arange(40_000) * 1_000
    >>> missed = np.tile([0.0, 0.0, 0.0, 1.0], 10_000)
    >>> list(gauge.update_many(ts, missed))
    []
    >>> (alarm,) = gauge.update_many(ts + ts[-1], 1 - missed)
    >>> alarm.before, alarm.after, alarm.window
    (0.25, 0.75, 2500)
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._adwin: Any = ADWIN(delta=_DELTA)  # type: ignore[no-untyped-call]
        self._season = Season()
        self._suspicion: _Suspicion | None = None

    def update_many(self, ts: Longs, values: Floats) -> Iterator[Alarm]:
        """Take in values, float64[n], and the times of their events, int64[n]; yield the alarms.

        They count as of the hour in their middle: neither a late event nor a wrong clock changes it.
        """
        if not len(ts):
            return
        season, adwin, hour = self._season, self._adwin, int(np.median(ts)) // _HOUR_MS
        deviation, known = season.deviation(hour), self._suspicion
        for at, value in zip(ts.tolist(), values.tolist(), strict=True):
            usual = value - deviation
            adwin.update(usual)
            if known:
                known = _Suspicion(known.before, known.total + usual, known.values + 1)
                if known.values == _WEIGHED:
                    before, after, known = known.before, known.total / known.values, None
                    worth = _WORTH if season.is_known else _WORTH_AT_FIRST
                    if after - before > worth * (1 - before):
                        yield Alarm(self.name, at, value, _WEIGHED, before, after)
            elif adwin.drift_detected and season.count:
                known = _Suspicion(season.level)
        self._suspicion = known
        season.update_many(hour, values)

    @property
    def state(self) -> dict[str, Any]:
        """What is known, of types that msgpack has."""
        adwin = self._adwin._helper.__getstate__()  # noqa: SLF001 - River has no other way in bytes
        return {"adwin": adwin, "season": self._season.state, "suspicion": self._suspicion}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self._adwin._helper.__setstate__(state["adwin"])  # noqa: SLF001
        self._season.restore(state["season"])
        self._suspicion = _Suspicion(*state["suspicion"]) if state["suspicion"] else None
