"""How a demo ended: the contract's report."""

import msgspec

from producers.report import ReplayReport
from stream.views import Drift, Figures, View

__all__ = ["DemoReport", "Timing"]


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """The pace of a demo, times in seconds.

    ``seconds`` run from the first event to the last lesson, ``first_recommendation_seconds`` from the start
    of the demo; ``rate`` is the last in events a second, ``worst_lag_seconds`` the learner's greatest lag.
    """

    seconds: float
    first_recommendation_seconds: float
    rate: float
    worst_lag_seconds: float


class DemoReport(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of a demo.

    ``events`` are the records that were read from the log, ``bad_rows`` its rows that are none;
    ``recommendations`` is what the broker counts on their topic.
    """

    events: int
    usable: int
    duplicates: int
    seconds: float
    events_per_second: float
    recommendations: int
    dead_letters: int
    latency_ms: dict[str, float]
    quality: dict[str, Figures]
    drift: Drift
    rows: int
    device: str
    versions: dict[str, str]
    bad_rows: int
    first_recommendation_seconds: float
    rate: float
    worst_lag_seconds: float

    @classmethod
    def of(cls, sent: ReplayReport, view: View, recommendations: int, timing: Timing) -> "DemoReport":
        """Return the report of what was sent, what the worker made of it, and how long it took."""
        return cls(
            events=sent.events,
            usable=view.usable,
            duplicates=view.duplicates,
            events_per_second=round(sent.events / timing.seconds, 1),
            recommendations=recommendations,
            dead_letters=view.dead_letters,
            latency_ms=view.latency_ms,
            quality=view.quality,
            drift=view.drift,
            rows=view.rows,
            device=view.device,
            versions=view.versions,
            bad_rows=sent.bad_rows,
            **{name: round(getattr(timing, name), 3) for name in Timing.__struct_fields__},
        )

    def as_json(self) -> bytes:
        """Return the report for a file."""
        return msgspec.json.format(msgspec.json.encode(self)) + b"\n"
