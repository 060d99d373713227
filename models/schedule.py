"""When a challenger is due: alarms that wait, rest, budget, and what comes at fixed times."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from models.drift import Alarm
from models.rules import Rules

__all__ = ["LEAST_EXAMPLES", "Cause", "Schedule"]

_HOUR_MS: Final = 3_600_000
_DAY_MS: Final = 24 * _HOUR_MS
# Of fewer examples nothing is learnt that the champion does not know.
LEAST_EXAMPLES: Final = 10_000


class Cause(NamedTuple):
    """Why a challenger is to be trained; so many of the last examples have come since something changed."""

    reason: str
    recent: int = 0


class _Heard(NamedTuple):
    """An alarm for which nobody was trained yet, and how many examples were learnt when it came."""

    signal: str
    window: int
    learnt: int


class Schedule:
    """Follows the rules. All times are those of events, in milliseconds since the Unix epoch.

    Parameters
    ----------
    rules
        See `Rules`.

    Attributes
    ----------
    now
        The latest time so far.
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self.now = self._began = self._rests_until = 0  # when the last one began, until when alarms wait
        self._budget = 0, 0  # a day, and how many challengers were begun in it
        self._heard: _Heard | None = None

    def note(self, ts: int, learnt: int, alarms: Sequence[Alarm]) -> None:
        """Take note of the time, of the examples so far, and of alarms: the newest waits until it is due."""
        self.now = max(self.now, ts)
        self._began = self._began or self.now
        if alarms and learnt >= LEAST_EXAMPLES:
            self._heard = _Heard(alarms[-1].signal, max(alarm.window for alarm in alarms), learnt)

    def due(self, learnt: int, asked: str = "") -> Cause | None:
        """Return why one is to be trained now, None while none is; what is asked for waits for no time."""
        why = asked or self._reason
        if learnt < LEAST_EXAMPLES or not why:
            return None
        heard = self._heard or _Heard("", 0, learnt)
        return Cause(why, heard.window + learnt - heard.learnt)

    @property
    def _reason(self) -> str:
        if self._heard is not None and self.now >= self._rests_until and self.has_budget:
            return f"{self._heard.signal} rose"
        if 0 < self._rules.every_hours * _HOUR_MS <= self.now - self._began:
            return f"{self._rules.every_hours:g} hours have passed"
        return ""

    @property
    def has_budget(self) -> bool:
        """Whether one may be begun today that no operator has asked for."""
        day, begun = self._budget
        return (begun if day == self.now // _DAY_MS else 0) < self._rules.per_day

    def begin(self) -> None:
        """Take note that one is begun now."""
        today, (day, begun) = self.now // _DAY_MS, self._budget
        self._budget, self._heard = (today, begun + 1 if day == today else 1), None
        self.rest()

    def rest(self) -> None:
        """Have alarms, and what comes at fixed times, wait from now on."""
        self._began, self._rests_until = self.now, self.now + round(self._rules.rest_hours * _HOUR_MS)

    @property
    def state(self) -> dict[str, Any]:
        """Where it stands, of types that msgpack has."""
        return {
            "now": self.now,
            "began": self._began,
            "rests_until": self._rests_until,
            "budget": list(self._budget),
            "heard": list(self._heard) if self._heard else None,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""
        self.now, self._began, self._rests_until = state["now"], state["began"], state["rests_until"]
        day, begun = state["budget"]
        self._budget = day, begun
        self._heard = _Heard(*state["heard"]) if state["heard"] else None
