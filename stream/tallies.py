"""Counts that are part of a state, as Prometheus reads them: they go on where another worker has stopped."""

from collections.abc import Iterator, Mapping
from typing import Final

from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

__all__ = ["Tallies"]

_TEXTS: Final = {
    "drift_alarms": "Alarms of the drift monitor.",
    "retrains": "Challengers that were trained.",
    "promotions": "Challengers that became the champion.",
    "rollbacks": "Champions that had to go again.",
}


class Tallies(Collector):
    """How often whoever learns had to decide something, by the name of the count.

    Examples
    --------
    >>> tallies = Tallies()
    >>> tallies.show({"retrains": 2})
    >>> [sample.value for family in tallies.collect() for sample in family.samples]
    [0, 2, 0, 0]
    """

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def show(self, counts: Mapping[str, int]) -> None:
        """Show these counts from now on."""
        self._counts = dict(counts)

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Give the counts to the registry."""
        for name, text in _TEXTS.items():
            family = CounterMetricFamily(f"headrace_{name}", text)
            family.add_metric((), self._counts.get(name, 0))
            yield family
