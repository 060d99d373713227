"""The thread that runs aiokafka's consumer: partitions are read unevenly, shared out together, and leased."""
# ruff: noqa: SLF001 (aiokafka shows neither a fetcher's settings nor a position without waiting for it)

from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import NoError, RebalanceInProgressError
from aiokafka.protocol.group import HeartbeatRequest, SyncGroupRequest
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread
from faust.types import TP

from stream.assignor import TogetherAssignor
from stream.lease import Lease

__all__ = ["FetchThread"]

# aiokafka keeps one fetch request in flight a broker. A partition whose records wait to be taken (it is held,
# or its agent is behind) is left out of that request, and cannot be fetched again before it ends; Faust lets
# it wait 1,500 ms for records of the others.
_FETCH_MAX_WAIT_MS: Final = 200
# Seconds for which records that wait to be taken keep every partition of the broker from being fetched.
_PREFETCH_BACKOFF: Final = 0.01
# Answers by which the coordinator counts a member in.
_COUNTED_IN: Final = (NoError.errno, RebalanceInProgressError.errno)


class FetchThread(AIOKafkaConsumerThread):
    """Faust's consumer thread, which fetches on while a partition's records wait to be taken.

    Attributes
    ----------
    lease
        Whether what was assigned last is certainly still this worker's.
    """

    lease: Lease

    def __post_init__(self) -> None:
        """Prepare; Faust calls it at the end of its own constructor."""
        super().__post_init__()
        self.lease = Lease(self.app.conf.broker_session_timeout)

    async def on_start(self) -> None:
        """Start aiokafka's consumer."""
        await super().on_start()
        started = self._ensure_consumer()
        fetcher, coordinator = started._fetcher, started._coordinator
        fetcher._fetch_max_wait_ms = _FETCH_MAX_WAIT_MS
        fetcher._prefetch_backoff = _PREFETCH_BACKOFF
        coordinator._send_req = self._renewing(coordinator._send_req)

    def _create_worker_consumer(self, transport: Any) -> AIOKafkaConsumer:
        created = super()._create_worker_consumer(transport)
        if not self.app.tables:  # Faust's own places a table's changelog
            created._partition_assignment_strategy = [TogetherAssignor()]
        return created

    def _renewing(self, send: Callable[[Any], Awaitable[Any]]) -> Callable[[Any], Awaitable[Any]]:
        """Return ``send``, the coordinator's, so that it renews the lease."""

        async def send_and_renew(request: Any) -> Any:
            asked = self.lease.clock()
            response = await send(request)
            asks_in = isinstance(request, HeartbeatRequest | SyncGroupRequest)
            if asks_in and response.error_code in _COUNTED_IN:
                self.lease.renew(as_of=asked)
            return response

        return send_and_renew

    def position_now(self, tp: TP) -> int | None:
        """Return where the next fetch of ``tp`` begins, None if it is not assigned or not known yet."""
        subscription = self._ensure_consumer()._subscription.subscription
        assignment = subscription.assignment if subscription is not None else None
        if assignment is None or tp not in assignment.tps:
            return None
        state = assignment.state_value(tp)
        return int(state.position) if state.has_valid_position else None
