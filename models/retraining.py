"""When a challenger is trained, and what becomes of it: the rules, and each decision as a sentence."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from models.challenger import Standing, Verdict
from models.drift import Alarm
from models.events import Decision
from models.rules import Phase, Rules

__all__ = ["Retraining"]

_HOUR_MS: Final = 3_600_000
_DAY_MS: Final = 24 * _HOUR_MS
# Of fewer examples nothing is learnt that the champion does not know.
_LEAST_EXAMPLES: Final = 10_000


class Retraining:
    """Follows the rules. Decisions are of the time of events, in milliseconds since the Unix epoch.

    Parameters
    ----------
    rules
        See `Rules`.

    Attributes
    ----------
    phase, number
        Who is on trial, and how many challengers there were so far.
    counts
        How often each kind of decision was taken.
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self.phase, self.number = Phase.NOBODY, 0
        self.counts: dict[str, int] = {}
        self._now = self._began = 0  # event time, in milliseconds since the Unix epoch
        self._budget = 0, 0  # a day, and how many challengers were trained in it

    def alarmed(self, alarm: Alarm) -> Decision:
        """Take note of an alarm."""
        self._now = max(self._now, alarm.ts)
        reason = f"{alarm.signal} rose from {alarm.before:.3f} to {alarm.after:.3f}"
        return self._decide("drift-alarm", reason, alarm._asdict())

    def wanted(self, ts: int, learnt: int, alarms: Sequence[Alarm], asked: str = "") -> str:
        """Return why a challenger is to be trained now; "" where it is not to be.

        Parameters
        ----------
        ts
            The time of the events, in milliseconds since the Unix epoch.
        learnt
            Examples so far.
        alarms
            What has just been noticed.
        asked
            Why an operator has asked for it; neither rest nor budget holds that up.
        """
        self._now = max(self._now, ts)
        self._began = self._began or self._now
        if self.phase is not Phase.NOBODY or learnt < _LEAST_EXAMPLES:
            return ""
        passed = (self._now - self._began) / _HOUR_MS
        day, trained = self._budget
        may = not self.number or passed >= self._rules.rest_hours
        trained = trained if day == self._now // _DAY_MS else 0
        may = may and trained < self._rules.per_day
        if asked or (alarms and may):
            return asked or f"{alarms[0].signal} rose"
        if 0 < self._rules.every_hours <= passed:
            return f"{self._rules.every_hours:g} hours have passed"
        return ""

    def refused(self, asked: str, learnt: int, reason: str = "retraining is off") -> Decision:
        """Take note that none is trained though it is wanted, where nothing else is in the way for this."""
        if self.phase is not Phase.NOBODY:
            reason = f"{self._on_trial} is on trial"
        elif learnt < _LEAST_EXAMPLES:
            reason = f"only {learnt:,} examples were learnt"
        return self._decide("retrain-refused", f"{asked!r} is not done: {reason}", {"why": asked})

    def began(self, reason: str, window: tuple[int, int], recent: int) -> Decision:
        """Take note that a challenger is trained on what stands from one place to another.

        So many of the last examples, ``recent``, have come since something has changed.
        """
        day, (last, trained) = self._now // _DAY_MS, self._budget
        self._budget = day, trained + 1 if day == last else 1
        self.phase, self.number, self._began = Phase.CHALLENGER, self.number + 1, self._now
        start, end = window
        sentence = f"challenger {self.number} is trained from {start:,} to {end:,}: {reason}"
        figures = {"from": start, "to": end, "recent": recent, "why": reason}
        return self._decide("retrain-started", sentence, figures)

    def resumed(self) -> Decision:
        """Take note that a trial begins again, after whoever learns had stopped."""
        sentence = f"the trial of {self._on_trial} begins again, as the learning does"
        return self._decide("retrain-resumed", sentence, {})

    def progressed(self, window: int, pass_number: int) -> Decision:
        """Take note that a pass of the training has ended."""
        sentence = f"challenger {self.number} has learnt {window:,} examples, pass {pass_number}"
        return self._decide("retrain-progress", sentence, {"examples": window, "passes": pass_number})

    def trained(self, window: int, hit_rates: Sequence[float], prequential_hit_rate: float) -> Decision:
        """Take note of what came of the training: see `models.training.Trained`."""
        rates = ", ".join(f"{rate:.4f}" for rate in hit_rates)
        sentence = f"challenger {self.number} has learnt the last {window:,} examples; hit rate on the "
        sentence += f"newest by pass {rates}, and {prequential_hit_rate:.4f} while it learnt them"
        figures = {
            "examples": window,
            "hit_rates": [*hit_rates],
            "prequential_hit_rate": prequential_hit_rate,
        }
        return self._decide("retrain-trained", sentence, figures)

    def judged(self, standing: Standing) -> Decision | None:
        """Return what is decided of who is on trial, None while nothing is."""
        if self.phase is Phase.PREDECESSOR:
            return self._judged_again(standing)
        if not standing.verdict:
            return None
        if self.has_won(standing):
            sentence = f"challenger {self.number} is promoted: {self._figures(standing)}"
            self.phase = Phase.PREDECESSOR
            return self._decide("promotion", sentence, standing._asdict())
        why = f"it is {standing.verdict}"
        if standing.verdict is Verdict.BETTER:
            why = f"it must not serve, as {standing.fault}"
        return self.dropped(f"{why}: {self._figures(standing)}", standing)

    def has_won(self, standing: Standing) -> bool:
        """Return whether who is on trial is to serve; what it foretells is no matter where it did before."""
        is_sound = not standing.fault or self.phase is Phase.PREDECESSOR
        return standing.verdict is Verdict.BETTER and is_sound

    def _judged_again(self, standing: Standing) -> Decision | None:
        if standing.verdict is Verdict.BETTER:
            sentence = f"challenger {self.number} goes again: {self._figures(standing)}"
            self.phase = Phase.NOBODY
            return self._decide("rollback", sentence, standing._asdict())
        if standing.verdict:
            sentence = f"challenger {self.number} stays: {self._figures(standing)}"
            self.phase = Phase.NOBODY
            return self._decide("probation-passed", sentence, standing._asdict())
        return None

    def dropped(self, reason: str, standing: Standing | None = None) -> Decision:
        """Take note that who is on trial is let go."""
        sentence, self.phase = f"{self._on_trial}: {reason}", Phase.NOBODY
        return self._decide("retrain-dropped", sentence, standing._asdict() if standing else {})

    @property
    def _on_trial(self) -> str:
        return "the champion before" if self.phase is Phase.PREDECESSOR else f"challenger {self.number}"

    def _figures(self, standing: Standing) -> str:
        """Return what both have foreseen, who is on trial first; the other one serves."""
        was_promoted = self.phase is Phase.PREDECESSOR
        who, champion = ("the champion before", "it") if was_promoted else ("it", "the champion")
        sentence = f"{who} foresaw {standing.hit_rate:.4f} of {standing.pairs:,} events"
        return f"{sentence}, {champion} {standing.of_champion:.4f}"

    def _decide(self, kind: str, reason: str, details: Mapping[str, Any]) -> Decision:
        self.counts[kind] = self.counts.get(kind, 0) + 1
        figures = {"challenger": self.number, **details}
        return Decision(kind=kind, ts=self._now, reason=reason, details=figures)

    @property
    def state(self) -> dict[str, Any]:
        """Where it stands, of types that msgpack has."""
        return {
            "phase": str(self.phase),
            "number": self.number,
            "counts": dict(self.counts),
            "now": self._now,
            "began": self._began,
            "budget": list(self._budget),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""
        self.phase, self.number = Phase(state["phase"]), state["number"]
        self.counts = dict(state["counts"])
        self._now, self._began = state["now"], state["began"]
        day, trained = state["budget"]
        self._budget = day, trained
