"""When a challenger may be trained, and who may be on trial."""

from enum import StrEnum
from typing import NamedTuple

__all__ = ["Phase", "Rules"]


class Rules(NamedTuple):
    """When a challenger may be trained, in time of events.

    For an alarm none is trained within ``rest_hours`` after another has begun, nor once ``per_day`` were
    begun in a day of UTC. After ``every_hours`` without any one is trained whatever was before, never where
    that is 0. An operator is bound by nothing.
    """

    rest_hours: float = 3.0
    per_day: int = 4
    every_hours: float = 0.0


class Phase(StrEnum):
    """Who is on trial beside the champion."""

    NOBODY = ""
    CHALLENGER = "challenger"
    PREDECESSOR = "predecessor"  # the champion before, for some time after a promotion
