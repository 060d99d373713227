"""When a challenger is trained, and what becomes of it: the rules, and each decision as a sentence."""

from collections.abc import Mapping, Sequence
from typing import Any

from models.challenger import Standing, Verdict
from models.drift import Alarm
from models.events import Decision
from models.rules import Phase, Rules
from models.schedule import LEAST_EXAMPLES, Cause, Schedule

__all__ = ["Retraining"]


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
    schedule
        When the next one may be trained.
    """

    def __init__(self, rules: Rules) -> None:
        self.schedule = Schedule(rules)
        self.phase, self.number = Phase.NOBODY, 0
        self.counts: dict[str, int] = {}

    def alarmed(self, alarm: Alarm) -> Decision:
        """Take note of an alarm."""
        self.schedule.note(alarm.ts, 0, ())
        reason = f"{alarm.signal} rose from {alarm.before:.3f} to {alarm.after:.3f}"
        return self._decide("drift-alarm", reason, alarm._asdict())

    def wanted(self, ts: int, learnt: int, alarms: Sequence[Alarm], asked: str = "") -> Cause | None:
        """Return why a challenger is to be trained now; None where none is to be, or somebody is on trial.

        Parameters
        ----------
        ts
            The time of the events, in milliseconds since the Unix epoch.
        learnt
            Examples so far.
        alarms
            What has just been noticed.
        asked
            Why an operator has asked for it.
        """
        self.schedule.note(ts, learnt, alarms)
        return self.schedule.due(learnt, asked) if self.phase is Phase.NOBODY else None

    def refused(self, asked: str, learnt: int) -> Decision:
        """Take note that none is trained though an operator has asked for it."""
        reason = "retraining is off"
        if self.phase is not Phase.NOBODY:
            reason = f"{self._on_trial} is on trial"
        elif learnt < LEAST_EXAMPLES:
            reason = f"only {learnt:,} examples were learnt"
        return self._decide("retrain-refused", f"{asked!r} is not done: {reason}", {"why": asked})

    def failed(self, why: str, reason: str) -> Decision:
        """Take note that none can be trained now; alarms and the schedule rest as if one had been."""
        self.schedule.rest()
        return self._decide("retrain-refused", f"{why!r} is not done: {reason}", {"why": why})

    def began(self, reason: str, window: tuple[int, int], recent: int) -> Decision:
        """Take note that a challenger is trained on what stands from one place to another.

        So many of the last examples, ``recent``, have come since something has changed.
        """
        self.schedule.begin()
        self.phase, self.number = Phase.CHALLENGER, self.number + 1
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
        return Decision(kind=kind, ts=self.schedule.now, reason=reason, details=figures)

    @property
    def state(self) -> dict[str, Any]:
        """Where it stands, of types that msgpack has."""
        return {
            "phase": str(self.phase),
            "number": self.number,
            "counts": dict(self.counts),
            "schedule": self.schedule.state,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""
        self.phase, self.number = Phase(state["phase"]), state["number"]
        self.counts = dict(state["counts"])
        self.schedule.restore(state["schedule"])
