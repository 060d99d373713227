"""The errors of ``producers``: one tree, each a single line that says what is wrong and what to do."""

from pathlib import Path
from typing import Final

from producers.report import ReplayReport

__all__ = ["BrokerDown", "ProducerError", "ShareLost", "Undelivered", "UnusableLog", "shortened"]

_SHOWN: Final = 200


class ProducerError(Exception):
    """The root of every error that ``producers`` raises on purpose."""


class UnusableLog(ProducerError):
    """A file that is no log: which one, and why.

    Examples
    --------
    >>> str(UnusableLog(Path("shop.csv"), "is empty"))
    'shop.csv: is empty'
    """

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


class BrokerDown(ProducerError):
    """No broker answered at the address.

    Examples
    --------
    >>> str(BrokerDown("127.0.0.1:9092"))
    'no Kafka broker answers at 127.0.0.1:9092: start one (headrace broker) or name another with --broker'
    """

    def __init__(self, broker: str) -> None:
        super().__init__(broker)
        self.broker = broker

    def __str__(self) -> str:
        return (
            f"no Kafka broker answers at {self.broker}: "
            "start one (headrace broker) or name another with --broker"
        )


class Undelivered(ProducerError):
    """A replay that the broker did not confirm to its end; ``report`` says what it did confirm.

    Examples
    --------
    >>> report = ReplayReport(
    ...     events=8, items=0, unconfirmed=12, seconds=1.0, worst_lag_ms=0.0, failure="gone"
    ... )
    >>> str(Undelivered(report))
    '12 records are unconfirmed: gone'
    """

    def __init__(self, report: ReplayReport) -> None:
        super().__init__(report)
        self.report = report

    def __str__(self) -> str:
        return f"{self.report.unconfirmed} records are unconfirmed: {self.report.failure}"


class ShareLost(ProducerError):
    """A process of a replay that ended without a report: how much it delivered is not known."""

    def __str__(self) -> str:
        return "a process of the replay was killed: how many of its records are confirmed is not known"


def shortened(header: list[str]) -> str:
    """Return a header as an error shows it: what is no log at all may have one of any length.

    Examples
    --------
    >>> shortened(["ts", "user"])
    "['ts', 'user']"
    """
    text = str(header)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
