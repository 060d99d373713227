"""What a worker answers on its web port, as another process takes it in: without torch behind it."""

import msgspec

from models.events import Decision

__all__ = [
    "Advice",
    "Decisions",
    "Drift",
    "Figures",
    "Request",
    "Retrain",
    "Suggestion",
    "View",
]


class Figures(msgspec.Struct, frozen=True):
    """How well a model foresaw events, as the contract scores it."""

    hit_rate_20: float = 0.0
    mrr_20: float = 0.0
    ndcg_10: float = 0.0
    scored: int = 0


class Drift(msgspec.Struct, frozen=True):
    """How often the model was found to be behind the shop, and what was done about it."""

    alarms: int = 0
    retrains: int = 0
    promotions: int = 0
    rollbacks: int = 0


class View(msgspec.Struct, frozen=True, kw_only=True):
    """A worker's ``/status``; what it does not tell, as a worker without a drift monitor, is 0 or empty.

    The fields mean what they mean in `stream.report.Status`, which this process could only import with all
    of torch behind it.
    """

    ready: bool = False
    handled: int = 0
    usable: int = 0
    duplicates: int = 0
    forgotten: int = 0
    dead_letters: int = 0
    handed_on: int = 0
    learnt: int = 0
    version: int = 0
    complete: int = 0
    learnt_to: dict[str, int] = {}
    lag: int = 0
    latency_ms: dict[str, float] = {}
    quality: dict[str, Figures] = {}
    drift: Drift = Drift()
    rows: int = 0
    users: int = 0
    device: str = ""
    resident_bytes: int = 0
    versions: dict[str, str] = {}


class Suggestion(msgspec.Struct, frozen=True):
    """One recommended item: how good, and what put it there."""

    item_id: str
    score: float
    source: str


class Advice(msgspec.Struct, frozen=True):
    """What a worker recommends a user now, best first."""

    user_id: str
    items: list[Suggestion]


class Request(msgspec.Struct, frozen=True):
    """Where in Kafka it stands that a user is to be forgotten."""

    user_id: str
    topic: str
    partition: int
    offset: int


class Retrain(msgspec.Struct, frozen=True):
    """Where in Kafka it stands that a challenger is wanted."""

    reason: str
    topic: str
    offset: int


class Decisions(msgspec.Struct, frozen=True):
    """Decisions, the oldest first."""

    decisions: list[Decision]
