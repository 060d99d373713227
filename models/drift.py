"""Whether the model foresees worse than of late: River's ADWIN on what the hours do not explain."""

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from river.drift import ADWIN

from models.season import Season, moving_mean

__all__ = ["Alarm", "DriftDetector"]

_HOUR_MS: Final = 3_600_000
# The chance of a false cut at each of ADWIN's looks. With 0.001 it cuts twice a week where nothing happens.
_DELTA: Final = 1e-5
# What of all that can be lost must be lost: shops change a little all the time, and ADWIN finds even that.
_WORTH: Final = 0.04
# While it is not known what the hours bring by themselves.
_WORTH_AT_FIRST: Final = 0.15
# Values of which ADWIN is told the mean: a mean takes it a microsecond, and it looks after every 32nd.
_TOLD_AT_ONCE: Final = 8
# Values by whose mean the size is told: ADWIN notices a change of a tenth within some hundred, and knows
# little of its size then.
_WEIGHED: Final = 320 * _TOLD_AT_ONCE


class Alarm(NamedTuple):
    """A rise of what should be low, and that it is no chance.

    ``before`` and ``after`` are the level and the mean since ADWIN noticed the change, both without what the
    hours bring; ``value`` is the mean of the last eight values, ``window`` how many have come since the
    change, at least 2,560.
    """

    signal: str
    ts: int  # of the last event, in milliseconds since the Unix epoch
    value: float
    window: int
    before: float
    after: float


class _Suspicion(NamedTuple):
    """A change that was noticed: the level before it, and the sum of the values since, and how many."""

    before: float
    total: float = 0.0
    values: int = 0


class DriftDetector:
    """Watches one figure from 0 to 1 that should be low, such as whether an event was missed.

    What the hour of the day usually brings is taken away (`Season`). A change of the rest that is no chance
    (Bifet and Gavalda, Learning from Time-Changing Data with Adaptive Windowing, SDM 2007) is looked at for
    2,560 values: a rise that takes 4 % of what there is to lose (15 % in the first days) is an alarm.

    Parameters
    ----------
    name
        Of the signal.

    Examples
    --------
    >>> detector = DriftDetector("missed")
    >>> missed = np.tile([0.0, 0.0, 0.0, 1.0], 10_000)
    >>> detector.update_many(0, missed)
    []
    >>> (alarm,) = detector.update_many(3_600_000, 1 - missed)
    >>> alarm.before, alarm.after, alarm.window
    (0.25, 0.75, 2560)
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._adwin: Any = ADWIN(delta=_DELTA)  # type: ignore[no-untyped-call]
        self._season = Season()
        self._unbatched = np.zeros(0)  # float64[fewer than are told at once], the last residuals
        self._suspicion: _Suspicion | None = None
        self._level = 0.0  # of the residuals

    def update_many(self, ts: int, values: npt.NDArray[np.float64]) -> list[Alarm]:
        """Take in values, float64[n], n at least 1, of about one time in milliseconds; return the alarms."""
        hour = ts // _HOUR_MS
        residuals = np.concatenate([self._unbatched, values - self._season.deviation(hour)])
        whole = len(residuals) // _TOLD_AT_ONCE * _TOLD_AT_ONCE
        self._unbatched, alarms = residuals[whole:], list[Alarm]()
        for mean in residuals[:whole].reshape(-1, _TOLD_AT_ONCE).mean(axis=1).tolist():
            if (rise := self._rise(mean)) is not None:
                alarms.append(Alarm(self.name, ts, mean, self._since_change, *rise))
        self._season.update_many(hour, values)
        taken = self._season.count - len(self._unbatched)
        self._level = moving_mean(self._level, residuals[:whole], taken)
        return alarms

    def _rise(self, mean: float) -> tuple[float, float] | None:
        """Take in the mean of some values; return the level before a rise and after it, once it is one."""
        season, known = self._season, self._suspicion
        self._adwin.update(mean)
        if known is None:
            if self._adwin.drift_detected and season.count:
                self._suspicion = _Suspicion(self._level)
            return None
        self._suspicion = known = _Suspicion(
            known.before, known.total + mean * _TOLD_AT_ONCE, known.values + _TOLD_AT_ONCE
        )
        if known.values < _WEIGHED:
            return None
        self._suspicion, after = None, known.total / known.values
        worth = _WORTH if season.is_known else _WORTH_AT_FIRST
        return (known.before, after) if after - known.before > worth * (1 - known.before) else None

    @property
    def level(self) -> float:
        """The mean of late, 0 before the first value."""
        return self._season.level

    @property
    def count(self) -> int:
        """Values so far."""
        return self._season.count

    @property
    def _since_change(self) -> int:
        """How many values have come since the change: those that ADWIN still compares, at least."""
        return max(_WEIGHED, int(self._adwin.width) * _TOLD_AT_ONCE)

    @property
    def state(self) -> dict[str, Any]:
        """What is known, of types that msgpack has."""
        adwin = self._adwin._helper.__getstate__()  # noqa: SLF001 - River has no other way in bytes
        rest = self._unbatched.tobytes()
        return {"adwin": adwin, "rest": rest, "season": self._season.state} | {
            "suspicion": self._suspicion,
            "level": self._level,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self._adwin._helper.__setstate__(state["adwin"])  # noqa: SLF001
        self._unbatched = np.frombuffer(state["rest"])
        self._season.restore(state["season"])
        self._level = state["level"]
        self._suspicion = _Suspicion(*state["suspicion"]) if state["suspicion"] else None
