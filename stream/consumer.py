"""Faust's Kafka consumer, with one message a chunk for the topics that ask for it.

It overrides private methods of faust-streaming 0.15.3; ``tests/test_transport.py`` pins what it leans on.

What was fetched and then dropped (the flow stopped, the queues were cleared) is read again, because a seek
of every partition comes before the flow resumes. A seek waits until the fetch in progress is delivered or
dropped: its records belong to the old position, and one delivered afterwards would hide those before it.
"""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final, cast

from aiokafka.errors import ConsumerStoppedError, IllegalStateError
from faust.transport.drivers.aiokafka import Consumer
from faust.types import TP
from faust.types.transports import TPorTopicSet
from mode import ServiceT

from stream.chunks import Chunk, Ledger
from stream.delivery import Delivery
from stream.fetching import FetchThread
from stream.lease import Lease
from stream.plan import ReadPlan, start_offset

__all__ = ["ChunkConsumer"]

# Seconds. A seek waits for the fetch in progress, so none may take long.
_FETCH_WAIT: Final = 0.2
# Seconds until a released partition is asked for again; agents hold one for tens of milliseconds.
_FETCH_WAIT_HELD: Final = 0.02
# Seconds between two looks while every partition is held, paused or buffered; Faust sleeps a whole one.
_NOTHING_TO_FETCH_WAIT: Final = 0.01


class ChunkConsumer(Consumer):
    """Delivers chunks of the plan's ``chunk_topics`` and single records of the others.

    A chunk is acknowledged by `acknowledge` and by nothing else. Offsets are committed as Faust commits them,
    every ``broker_commit_interval``, and before partitions are given up: Faust forgets what is acknowledged
    and not committed then (faust-streaming/faust #502). ``ledger`` says which chunks are in flight.
    """

    _thread: FetchThread

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._plan: ReadPlan = cast("Any", self.transport).plan
        self.ledger = Ledger()
        self._delivery = Delivery(self, self.ledger, self._plan.chunk_topics)
        self._turn = asyncio.Lock()  # held from a fetch to the delivery of its last record
        self._held: set[TP] = set()
        self._delivered: dict[TP, int] = {}  # the offset after what was put into agents' queues

    def _new_consumer_thread(self) -> FetchThread:
        return FetchThread(self, loop=self.loop, beacon=self.beacon)

    @property
    def lease(self) -> Lease:
        """Whether what was assigned last is certainly still this worker's."""
        return self._thread.lease

    def acknowledge(self, chunk: Chunk) -> bool:
        """Mark a chunk as handled; return False if a seek or a revocation has forgotten it.

        Its partition is committed up to the last chunk that is acknowledged with all before it.
        """
        return self.ledger.acknowledge(chunk)

    def is_current(self, chunk: Chunk) -> bool:
        """Return whether a chunk still counts: no seek and no revocation has forgotten it."""
        return self.ledger.is_current(chunk)

    def hold(self, tp: TP) -> None:
        """Fetch no more of ``tp`` until `release`, a seek or a revocation; the others go on.

        What is being fetched is still delivered.
        """
        self._held.add(tp)

    def release(self, tp: TP) -> None:
        """Fetch ``tp`` again."""
        self._held.discard(tp)

    def highwater(self, tp: TP) -> int | None:  # type: ignore[override]  # Faust's is None before a fetch, too
        """Return the end of the log of ``tp`` as the last fetch found it, without asking the broker."""
        return super().highwater(tp) if tp in self.assignment() else None

    def backlog(self, tp: TP) -> int | None:
        """Return how far the log goes beyond what was put into agents' queues, in offsets, if known."""
        end, delivered = self.highwater(tp), self._delivered.get(tp)
        return None if end is None or delivered is None else max(end - delivered, 0)

    async def perform_seek(self) -> None:
        """Read every partition from where the state wants it, forgetting the chunks in flight.

        Faust calls this after each rebalance and recovery. An offset from the plan's ``next_offsets`` wins
        over the committed one, below or above it; without either the log is read from its start.
        """
        flowing = self.flow_active
        self.stop_flow()
        self.app.flow_control.suspend()
        async with self._turn:
            await super().perform_seek()
            await self._start_readings({tp for tp in self.assignment() if not self._is_changelog_tp(tp)})
        if flowing and not self.app.rebalancing:  # else Faust resumes, and clears the queues once more
            self.app.flow_control.resume()
            self.resume_flow()

    async def read_again(self, tp: TP) -> None:
        """Read one partition from where the state wants it, forgetting its chunks in flight; others go on.

        Whoever takes its chunks goes on taking them meanwhile: the fetch in progress is delivered before. If
        the partition is given up meanwhile, nothing happens.
        """
        async with self._turn:
            if tp in self.assignment() and not self.app.rebalancing:
                with suppress(IllegalStateError):  # given up since
                    await self._start_readings({tp})

    async def _start_readings(self, tps: set[TP]) -> None:
        known = await self._plan.next_offsets(frozenset(tps))
        earliest, ends = await self.earliest_offsets(*tps), await self.highwaters(*tps)
        starts = {}
        for tp in tps:
            wanted = known.get(tp, self._committed_offset[tp])
            starts[tp] = start_offset(wanted, earliest[tp], ends[tp])
            if wanted not in (None, starts[tp]):
                held = (tp.topic, tp.partition, wanted, earliest[tp], ends[tp])
                self.log.warning("%s-%d: no offset %d in the log [%d, %d); reading from its start", *held)
        await self.seek_wait(starts)
        self._delivered.update(starts)
        self._held -= tps
        for tp in filter(self._is_chunked, tps):
            self.ledger.start(tp, starts[tp] if tp in known else None)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Commit what is acknowledged, here and by those whom Faust tells of it, and forget the rest."""
        await self._commit_before_leaving()
        await super().on_partitions_revoked(revoked)
        await self._commit_before_leaving()
        self.ledger.forget(revoked)
        self._held -= revoked
        self._buffered_partitions -= revoked
        for tp in revoked:
            self._delivered.pop(tp, None)
            self._committed_offset.pop(tp, None)

    async def _commit_before_leaving(self) -> None:
        if self.app.should_stop:
            return  # `on_stop` commits
        try:
            await asyncio.wait_for(self.force_commit(), self.app.conf.broker_session_timeout / 3)
        except TimeoutError:
            self.log.warning("The broker took no commit in time before a rebalance; some chunks come twice")

    def on_buffer_drop(self, tp: TP) -> None:
        """Fetch a partition again once its queue has room, but not while recovery has paused it."""
        if tp in self._paused_partitions:
            self._buffered_partitions.discard(tp)
        else:
            super().on_buffer_drop(tp)

    def _is_chunked(self, tp: TP) -> bool:
        return tp.topic in self._plan.chunk_topics

    def _filter_tps_with_pending_acks(self, topics: TPorTopicSet | None = None) -> Iterator[TP]:
        yield from super()._filter_tps_with_pending_acks(topics)
        yield from (tp for tp in self.ledger if topics is None or tp in topics or tp.topic in topics)

    def _new_offset(self, tp: TP) -> int | None:
        return self.ledger.committable(tp) if self._is_chunked(tp) else super()._new_offset(tp)

    async def _drain_messages(self, fetcher: ServiceT) -> None:
        try:
            while not (self.should_stop or fetcher.should_stop):
                await self._take_turn()
        except (asyncio.CancelledError, ConsumerStoppedError):
            if not self.app.should_stop:
                raise

    async def _take_turn(self) -> None:
        if not self.flow_active:
            await self.wait(self.can_resume_flow)  # type: ignore[arg-type]  # mode takes any Event
        await asyncio.sleep(0)
        async with self._turn:
            if not self.flow_active:
                return
            fetchable = self._get_active_partitions() - self._held
            if not fetchable:  # aiokafka would take the empty set for all partitions
                await asyncio.sleep(_NOTHING_TO_FETCH_WAIT)
                return
            records = await self._getmany(fetchable, _FETCH_WAIT_HELD if self._held else _FETCH_WAIT)
            if await self._delivery.deliver_all(records):
                positions = {tp: self._thread.position_now(tp) for tp in fetchable}
                self._delivered.update({tp: at for tp, at in positions.items() if at is not None})
