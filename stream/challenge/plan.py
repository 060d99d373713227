"""What a challenger's process is told, and what it says: lines of JSON, one message each."""

from typing import Any, Final

import msgspec

from models.challenger import Standing
from models.rules import Phase
from stream.progress import Mark
from stream.settings import Settings

__all__ = ["HAND_OVER", "Failed", "HandedOver", "Message", "Order", "Passing", "Plan", "Stood", "WasTrained"]

# What the process is told once it is to hand its model over; when its input ends it ends as well.
HAND_OVER: Final = b"hand over\n"


class Plan(msgspec.Struct, frozen=True):
    """Who is on trial: all that follows from it and from the log comes out the same however often it is done.

    Attributes
    ----------
    role
        A challenger, which is trained, or the champion before, which is loaded.
    first
        Where the examples begin that a challenger is trained on; where the champion before was replaced.
    position
        Where they end, and the trial begins.
    champion
        Where the champion stands with whom it is compared, as it was kept: there or before.
    recent
        How many of the examples have come since something has changed.
    """

    role: Phase
    first: Mark
    position: int
    champion: int
    recent: int = 0


class Order(msgspec.Struct, frozen=True):
    """The first line that a process is sent."""

    settings: Settings
    plan: Plan
    folder: str  # of the models: see `TrialFolder`


class Passing(msgspec.Struct, frozen=True, tag="passing"):
    """A pass over the window has ended."""

    window: int
    pass_number: int


class WasTrained(msgspec.Struct, frozen=True, tag="trained"):
    """See `models.training.Trained`."""

    window: int
    hit_rates: list[float]
    prequential_hit_rate: float


class Stood(msgspec.Struct, frozen=True, tag="stood"):
    """How it stands; the last of them has the verdict."""

    standing: Standing


class HandedOver(msgspec.Struct, frozen=True, tag="handed-over"):
    """The model lies in the folder."""


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """It cannot go on; ``again`` is whether another try may do better."""

    reason: str
    again: bool


Message = Passing | WasTrained | Stood | HandedOver | Failed


def _to_text(value: Any) -> str:
    return str(value)


def _from_text(kind: Any, value: Any) -> Any:
    return kind(value)


encoder: Final = msgspec.json.Encoder(enc_hook=_to_text)
orders: Final = msgspec.json.Decoder(Order, dec_hook=_from_text)
messages: Final = msgspec.json.Decoder(Message)
