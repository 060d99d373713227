"""When a challenger may be trained, and who may be on trial."""

from enum import StrEnum
from typing import NamedTuple

__all__ = ["Phase", "Rules"]


class Rules(NamedTuple):
    """When a challenger may be trained, in time of events.

    For ``rest_hours`` after one has begun none is trained for an alarm, and in a day ``per_day`` at most;
    after ``every_hours`` one is trained without an alarm, never where that is 0.
    """

    rest_hours: float = 3.0
    per_day: int = 4
    every_hours: float = 0.0


class Phase(StrEnum):
    """Who is on trial beside the champion."""

    NOBODY = ""
    CHALLENGER = "challenger"
    PREDECESSOR = "predecessor"  # the champion before, for some time after a promotion
