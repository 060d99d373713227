"""What a replay is to do."""

from zlib import crc32

import msgspec

from producers.pace import Pace, RecordedPace, SteadyRate
from producers.source import Source
from producers.topics import Topics

__all__ = ["ReplayPlan", "Share"]


class ReplayPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What a replay publishes, where, and how fast.

    ``log`` is a recorded log, or anything else that yields records.
    ``rate`` is in events a second, ``speed`` in times the recorded pace, ``schedule`` any other pace, for
    one process; without all three it goes flat out.
    ``limit`` is how many events, catalog records not counted; ``loop`` starts the log again for ever.
    ``partitions`` is for topics that do not exist yet. ``timeout`` is how many seconds the broker may
    leave a record unconfirmed.

    Raises
    ------
    ValueError
        If a number is not positive, or more than one of ``rate``, ``speed`` and ``schedule`` is given.
    """

    log: Source
    broker: str = "127.0.0.1:9092"
    prefix: str = ""
    partitions: int = 4
    rate: float | None = None
    speed: float | None = None
    schedule: Pace | None = None
    limit: int | None = None
    loop: bool = False
    processes: int = 1
    timeout: float = 30.0

    def __post_init__(self) -> None:
        if sum(pace is not None for pace in (self.rate, self.speed, self.schedule)) > 1:
            raise ValueError("a replay has one pace, a rate, a speed or a schedule, not both")
        for name in ("partitions", "rate", "speed", "limit", "processes", "timeout"):
            number = getattr(self, name)
            if number is not None and not number > 0:
                raise ValueError(f"{name} must be more than 0, is {number}")

    @property
    def topics(self) -> Topics:
        """The names of the topics."""
        return Topics.named(self.prefix)

    def pace(self) -> Pace | None:
        """Return the schedule, or None where it goes flat out."""
        if self.schedule is not None:
            return self.schedule
        if self.rate is not None:
            return SteadyRate(self.rate)
        return None if self.speed is None else RecordedPace(self.speed)


class Share(msgspec.Struct, frozen=True):
    """The part of a replay that one process publishes: the users whose hash falls to it.

    Examples
    --------
    >>> sum(Share(index, 3).owns("u1") for index in range(3))
    1
    """

    index: int = 0
    count: int = 1

    def owns(self, key: str) -> bool:
        """Whether the records of that key are of this share, so that a user's keep their order."""
        return self.count == 1 or crc32(key.encode()) % self.count == self.index
