"""How far a replay is, and how it ended."""

from typing import Any

import msgspec

from producers.reading import BadRow

__all__ = ["Progress", "ReplayReport"]


class Progress(msgspec.Struct, frozen=True):
    """How far a replay is: events handed to the broker, and how much of it all that is, 0 to 1."""

    sent: int
    fraction: float


class ReplayReport(msgspec.Struct, frozen=True, kw_only=True):
    """How a replay ended.

    ``events`` and ``items`` are the records that the broker confirmed, ``unconfirmed`` those it did not;
    ``worst_lag_ms`` is the longest that an event was behind its schedule, 0 where it had none.
    ``failure`` says what ended it early, or is empty; ``interrupted`` is whether somebody stopped it.

    Examples
    --------
    >>> one = ReplayReport(events=10, items=2, unconfirmed=0, seconds=2.0, worst_lag_ms=1.0)
    >>> one.events_per_second
    5.0
    """

    events: int
    items: int
    unconfirmed: int
    seconds: float
    worst_lag_ms: float
    bad_rows: int = 0
    first_bad_rows: list[BadRow] = []
    failure: str = ""
    interrupted: bool = False

    @property
    def events_per_second(self) -> float:
        """Confirmed events a second, from the first one sent to the last one confirmed."""
        return self.events / self.seconds if self.seconds else 0.0

    def as_map(self) -> dict[str, Any]:
        """Return the report for a JSON file, with the events a second."""
        return {**msgspec.to_builtins(self), "events_per_second": self.events_per_second}

    def with_share(self, other: "ReplayReport") -> "ReplayReport":
        """Return the report of both shares of one replay; each has read all rows, bad ones too."""
        return msgspec.structs.replace(
            self,
            events=self.events + other.events,
            items=self.items + other.items,
            unconfirmed=self.unconfirmed + other.unconfirmed,
            seconds=max(self.seconds, other.seconds),
            worst_lag_ms=max(self.worst_lag_ms, other.worst_lag_ms),
            failure=self.failure or other.failure,
            interrupted=self.interrupted or other.interrupted,
        )
