"""What a made-up shop is like."""

from typing import Final

import msgspec

__all__ = ["DAY_MS", "HOUR_MS", "ShopPlan"]

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
# Monday, 2024-01-01, midnight UTC.
_START: Final = 1_704_067_200_000
# The least and the most of each number: what is a shop at all, and what memory and a clock can hold.
_BOUNDS: Final = {
    "seed": (0, 2**63 - 1),
    "users": (1, 10_000_000),
    "items": (20, 1_000_000),
    "days": (0.001, 36_525.0),
    "views_per_day": (0.001, 1e9),
    "drift_share": (0.0, 1.0),
    "gradual": (0.0, 100.0),
    "swing": (0.0, 1.0),
    "weekly_swing": (0.0, 1.0),
    "births": (0.0, 1.0),
    "deaths": (0.0, 1.0),
    "impressions": (0, 8),
    "bots": (0.0, 1.0),
    "start": (1, 64_060_588_800_000),  # the year 4000
}


class ShopPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What a made-up shop is like; the same plan is the same shop, event by event.

    Attributes
    ----------
    users, items
        How many there are in all; items include those that are born while the shop is open.
    days
        How long the shop is open, in days.
    views_per_day
        How many views a day brings about, bots' included.
    drift_at, drift_share
        When tastes change suddenly, in days after the start, and the share of the users who then change.
    gradual
        How far the tastes of all users turn in their space, in radians a day.
    swing, weekly_swing
        How far the rate of sessions swings about its mean, as a share of it, by the hour and by the weekday.
    births, deaths
        The shares of the items that are born, and that go, while the shop is open.
    impressions
        How many items a list shows at most, each an event of its own; 0 for no lists.
    bots
        The share of the users who are none: they view what comes, fast, and buy nothing.
    start
        When the shop opens, in milliseconds since the Unix epoch.

    Raises
    ------
    ValueError
        If a number is out of bounds.
    """

    seed: int = 0
    users: int = 10_000
    items: int = 5_000
    days: float = 7.0
    views_per_day: float = 50_000.0
    drift_at: tuple[float, ...] = ()
    drift_share: float = 0.3
    gradual: float = 0.02
    swing: float = 0.4
    weekly_swing: float = 0.1
    births: float = 0.2
    deaths: float = 0.1
    impressions: int = 0
    bots: float = 0.0
    start: int = _START

    def __post_init__(self) -> None:
        for name, (least, most) in _BOUNDS.items():
            number = getattr(self, name)
            if not least <= number <= most:
                raise ValueError(f"{name} must be {least:,} to {most:,}, is {number}")
        if any(not 0 <= day <= self.days for day in self.drift_at):
            raise ValueError(f"drift_at must lie within the {self.days:g} days, is {self.drift_at}")

    @property
    def end(self) -> int:
        """When the shop closes, in milliseconds since the Unix epoch."""
        return self.start + round(self.days * DAY_MS)

    @property
    def drifts(self) -> tuple[int, ...]:
        """When tastes change suddenly, in milliseconds since the Unix epoch, in order."""
        return tuple(self.start + round(day * DAY_MS) for day in sorted(self.drift_at))
