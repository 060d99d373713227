"""What a made-up shop is like."""

from typing import Final

import msgspec

__all__ = ["DAY_MS", "HOUR_MS", "ShopPlan"]

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
# Monday, 2024-01-01, midnight UTC.
_START: Final = 1_704_067_200_000
# Every leaf category holds a few items, and there are four of them at least.
_MIN_ITEMS: Final = 20
_LONGEST_LIST: Final = 8
# What memory and a second of drawing can hold; a century, from before the year 4000.
_MOST: Final = {
    "users": 10_000_000,
    "days": 36_525,
    "views_per_day": 1_000_000_000,
    "start": 64_060_588_800_000,
}
_MOST_ITEMS: Final = 1_000_000


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
        for name, most in _MOST.items():
            number = getattr(self, name)
            if not 0 < number <= most:
                raise ValueError(f"{name} must be more than 0 and at most {most:,}, is {number}")
        for name in ("drift_share", "swing", "weekly_swing", "births", "deaths", "bots"):
            share = getattr(self, name)
            if not 0 <= share < 1:
                raise ValueError(f"{name} must be at least 0 and less than 1, is {share}")
        if not _MIN_ITEMS <= self.items <= _MOST_ITEMS:
            raise ValueError(f"items must be {_MIN_ITEMS} to {_MOST_ITEMS:,}, is {self.items}")
        if not 0 <= self.impressions <= _LONGEST_LIST:
            raise ValueError(f"impressions must be 0 to {_LONGEST_LIST}, is {self.impressions}")
        if self.seed < 0:
            raise ValueError(f"seed must not be negative, is {self.seed}")
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
