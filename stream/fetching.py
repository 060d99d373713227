"""The thread that runs aiokafka's consumer, tuned for partitions that are read unevenly."""
# ruff: noqa: SLF001 (aiokafka shows neither a fetcher's settings nor a position without waiting for it)

from typing import Final

from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread
from faust.types import TP

__all__ = ["FetchThread"]

# aiokafka keeps one fetch request in flight a broker. A partition whose records wait to be taken (it is held,
# or its agent is behind) is left out of that request, and cannot be fetched again before it ends; Faust lets
# it wait 1,500 ms for records of the others.
_FETCH_MAX_WAIT_MS: Final = 200
# Seconds for which records that wait to be taken keep every partition of the broker from being fetched.
_PREFETCH_BACKOFF: Final = 0.01


class FetchThread(AIOKafkaConsumerThread):
    """Faust's consumer thread, which fetches on while a partition's records wait to be taken."""

    async def on_start(self) -> None:
        """Start aiokafka's consumer."""
        await super().on_start()
        fetcher = self._ensure_consumer()._fetcher
        fetcher._fetch_max_wait_ms = _FETCH_MAX_WAIT_MS
        fetcher._prefetch_backoff = _PREFETCH_BACKOFF

    def position_now(self, tp: TP) -> int | None:
        """Return where the next fetch of ``tp`` begins, None if it is not assigned or not known yet."""
        subscription = self._ensure_consumer()._subscription.subscription
        assignment = subscription.assignment if subscription is not None else None
        if assignment is None or tp not in assignment.tps:
            return None
        state = assignment.state_value(tp)
        return int(state.position) if state.has_valid_position else None
