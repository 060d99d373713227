"""The chunk transport on a real Kafka."""

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path
from time import monotonic

import pytest
from faust.types import TP, StreamT
from faust_worker import Worker, committed, create_topic, delete_records, produce, until

from stream.chunks import MAX_CHUNK_RECORDS, RawRecord
from stream.transport import seek_by


def numbers(first: int, last: int) -> list[bytes]:
    return [b"%d" % number for number in range(first, last)]


async def topic_of(broker: str, prefix: str, partitions: int, counts: list[int]) -> list[TP]:
    """Create a topic, with so many records in its partitions: the value is the offset."""
    name = f"{prefix}clicks"
    await create_topic(broker, name, partitions)
    tps = [TP(name, partition) for partition in range(partitions)]
    for tp, count in zip(tps, counts, strict=True):
        await produce(broker, tp, numbers(0, count))
    return tps


def test_every_record_comes_once_in_order_and_in_chunks(
    broker: str, topic_prefix: str, tmp_path: Path
) -> None:
    async def scenario() -> None:
        counts = [4_000, 2_500, 0, 1]
        tps = await topic_of(broker, topic_prefix, 4, counts)
        async with Worker(broker, tps[0].topic, tmp_path) as worker:
            for tp, count in zip(tps, counts, strict=True):
                await worker.has(tp, count)
            await produce(broker, tps[2], numbers(0, 10))
            await worker.has(tps[2], 10)
            for tp, count in zip(tps, [4_000, 2_500, 10, 1], strict=True):
                assert worker.values(tp) == numbers(0, count)
            assert max(map(len, worker.chunks)) == MAX_CHUNK_RECORDS
            assert len(worker.chunks) < 30

    asyncio.run(scenario())


def test_a_delivery_that_need_not_wait_starts_no_tasks(
    broker: str, topic_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        (tp,) = await topic_of(broker, topic_prefix, 1, [1])
        async with Worker(broker, tp.topic, tmp_path) as worker:
            await worker.has(tp, 1)
            monkeypatch.setattr(worker.consumer, "wait_first", None)  # what Faust starts four tasks with
            await produce(broker, tp, numbers(1, 5_000))
            await worker.has(tp, 5_000)
            monkeypatch.undo()

    asyncio.run(scenario())


def test_an_ordinary_topic_of_the_same_app_comes_record_by_record(
    broker: str, topic_prefix: str, tmp_path: Path
) -> None:
    async def scenario() -> None:
        (tp,) = await topic_of(broker, topic_prefix, 1, [1_500])
        plain = TP(f"{topic_prefix}plain", 0)
        await create_topic(broker, plain.topic, 1)
        await produce(broker, plain, numbers(0, 300))
        worker = Worker(broker, tp.topic, tmp_path)
        seen = worker.take_singles(plain.topic)
        async with worker:
            await worker.has(tp, 1_500)
            await until(lambda: len(seen) >= 300, "ordinary records")
        assert seen == numbers(0, 300)
        assert worker.values(tp) == numbers(0, 1_500)
        assert await committed(broker, worker.group, plain) == 300

    asyncio.run(scenario())


def test_a_table_recovers_and_chunks_start_after_it(broker: str, topic_prefix: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        (tp,) = await topic_of(broker, topic_prefix, 1, [1_200])
        plain = TP(f"{topic_prefix}plain", 0)
        await create_topic(broker, plain.topic, 1)
        await produce(broker, plain, [b"x"] * 50)

        def counting(member: str) -> tuple[Worker, Mapping[str, int]]:
            worker = Worker(broker, tp.topic, tmp_path, member=member)
            table = worker.app.Table("counts", default=int, partitions=1)

            async def count(stream: StreamT) -> None:
                async for value in stream:
                    table[value.decode()] += 1

            worker.app.agent(worker.app.topic(plain.topic, value_type=bytes, value_serializer="raw"))(count)
            return worker, table

        first, table = counting("a")
        async with first:
            await first.has(tp, 1_200)
            await until(lambda: table["x"] == 50, "a full table")
        second, table = counting("a")
        async with second:
            await until(lambda: table["x"] == 50, "a recovered table")
            await produce(broker, plain, [b"x"])
            await produce(broker, tp, numbers(1_200, 1_300))
            await until(lambda: table["x"] == 51, "a table that goes on")
            await second.has(tp, 100)
        assert second.values(tp) == numbers(1_200, 1_300)

    asyncio.run(scenario())


def test_only_a_prefix_without_gaps_is_committed(broker: str, topic_prefix: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        (tp,) = await topic_of(broker, topic_prefix, 1, [3_500])
        worker = Worker(broker, tp.topic, tmp_path)
        worker.acknowledging = False
        async with worker:
            await worker.has(tp, 3_500)
            consumer, chunks = worker.consumer, worker.chunks
            for chunk in chunks[1:3]:
                assert consumer.acknowledge(chunk)
            await consumer.commit()
            assert await committed(broker, worker.group, tp) is None
            assert consumer.acknowledge(chunks[0])
            await consumer.commit()
            assert await committed(broker, worker.group, tp) == chunks[2].next_offset
            assert consumer.ledger.in_flight(tp) == len(chunks) - 3
            assert not consumer.unacked  # Faust's own book is not kept beside
            assert not consumer._acked

    asyncio.run(scenario())


def test_a_restart_resumes_at_the_first_record_not_acknowledged(
    broker: str, topic_prefix: str, tmp_path: Path
) -> None:
    async def scenario() -> None:
        (tp,) = await topic_of(broker, topic_prefix, 1, [3_500])
        first = Worker(broker, tp.topic, tmp_path)
        first.acknowledging = False
        async with first:
            await first.has(tp, 3_500)
            first.consumer.acknowledge(first.chunks[0])
            first.consumer.acknowledge(first.chunks[2])
            resume_at = first.chunks[0].next_offset
        async with Worker(broker, tp.topic, tmp_path) as second:
            await second.has(tp, 3_500 - resume_at)
            assert second.offsets(tp) == list(range(resume_at, 3_500))

    asyncio.run(scenario())


def test_what_is_acknowledged_while_the_app_stops_is_committed(
    broker: str, topic_prefix: str, tmp_path: Path
) -> None:
    async def scenario() -> None:
        (tp,) = await topic_of(broker, topic_prefix, 1, [800])
        worker = Worker(broker, tp.topic, tmp_path)
        worker.acknowledging = False

        async def finish(*_: object, **__: object) -> None:
            assert {worker.consumer.acknowledge(chunk) for chunk in worker.chunks} == {True}

        worker.app.on_before_shutdown.connect(finish)
        async with worker:
            await worker.has(tp, 800)
        assert await committed(broker, worker.group, tp) == 800

    asyncio.run(scenario())


def test_a_held_partition_waits_while_the_other_goes_on(
    broker: str, topic_prefix: str, tmp_path: Path
) -> None:
    async def scenario() -> None:
        held, free = await topic_of(broker, topic_prefix, 2, [10, 10])
        async with Worker(broker, held.topic, tmp_path) as worker:
            await worker.has(held, 10)
            await worker.has(free, 10)
            worker.consumer.hold(held)
            await produce(
                broker, free, numbers(10, 11)
            )  # the fetch under way when it was held ends with this
            await worker.has(free, 11)
            await produce(broker, held, numbers(10, 2_000))
            for last in range(11, 15):
                await produce(broker, free, numbers(last, last + 1))
                await worker.has(free, last + 1)
            assert len(worker.offsets(held)) == 10
            await until(lambda: worker.consumer.backlog(held) == 1_990, "the end of a held partition's log")
            assert worker.consumer.highwater(held) == 2_000
            worker.consumer.on_buffer_drop(held)  # pressure must not bring it back
            worker.consumer.hold(free)  # nothing is left to fetch, which must not mean everything
            for _ in range(5):  # a fetch waits 0.2 s at most, and so does this
                await worker.consumer.highwaters(held)
            assert len(worker.offsets(held)) == 10
            released = monotonic()
            worker.consumer.release(held)
            await worker.has(held, 2_000)
            assert monotonic() - released < 1.0
            worker.consumer.release(free)
            await produce(broker, free, numbers(15, 16))
            await worker.has(free, 16)
            await until(lambda: worker.consumer.backlog(held) == 0, "no lag")
        assert worker.values(held) == numbers(0, 2_000)
        assert worker.values(free) == numbers(0, 16)

    asyncio.run(scenario())


def test_one_partition_is_read_again_and_the_others_go_on(
    broker: str, topic_prefix: str, tmp_path: Path
) -> None:
    async def scenario() -> None:
        again, other = await topic_of(broker, topic_prefix, 2, [1_500, 1_500])
        worker = Worker(broker, again.topic, tmp_path)
        worker.acknowledging = False
        wanted = {again: 0, other: 0}

        async def offsets(assigned: frozenset[TP]) -> Mapping[TP, int]:
            return {tp: wanted[tp] for tp in assigned}

        seek_by(worker.app, offsets)
        async with worker:
            await worker.has(again, 1_500)
            await worker.has(other, 1_500)
            before = list(worker.chunks)
            wanted[again] = 400
            await worker.consumer.read_again(again)
            assert {chunk.tp for chunk in before if worker.consumer.is_current(chunk)} == {other}
            await produce(broker, other, numbers(1_500, 1_600))
            await worker.has(again, 1_500 + 1_100)
            await worker.has(other, 1_600)
            assert worker.offsets(again) == [*range(1_500), *range(400, 1_500)]
            assert worker.offsets(other) == list(range(1_600))
            await worker.consumer.read_again(TP(again.topic, 7))  # not this worker's

    asyncio.run(scenario())


@pytest.mark.parametrize("wanted", [0, 200, 800, 1_000])
def test_a_partition_is_read_from_where_the_state_wants_it(
    broker: str, topic_prefix: str, tmp_path: Path, wanted: int
) -> None:
    async def scenario() -> None:
        named, unnamed = await topic_of(broker, topic_prefix, 2, [500, 500])
        async with Worker(broker, named.topic, tmp_path) as first:
            await first.has(named, 500)
            await first.has(unnamed, 500)
        assert await committed(broker, first.group, named) == 500
        for tp in (named, unnamed):
            await produce(broker, tp, numbers(500, 1_000))
        second = Worker(broker, named.topic, tmp_path)

        async def offsets(assigned: frozenset[TP]) -> Mapping[TP, int]:
            assert assigned == {named, unnamed}
            return {named: wanted}

        seek_by(second.app, offsets)
        async with second:
            await second.has(named, 1_000 - wanted)
            await second.has(unnamed, 500)
            await produce(broker, named, numbers(1_000, 1_010))
            await second.has(named, 1_010 - wanted)
        assert second.offsets(named) == list(range(wanted, 1_010))
        assert second.offsets(unnamed) == list(range(500, 1_000))
        assert await committed(broker, first.group, named) == 1_010

    asyncio.run(scenario())


def test_an_offset_of_the_state_is_committed_without_a_record(
    broker: str, topic_prefix: str, tmp_path: Path
) -> None:
    async def scenario() -> None:
        (tp,) = await topic_of(broker, topic_prefix, 1, [100])
        worker = Worker(broker, tp.topic, tmp_path)

        async def offsets(_: frozenset[TP]) -> Mapping[TP, int]:
            return {tp: 100}

        seek_by(worker.app, offsets)
        async with worker:
            await worker.consumer.commit()
            assert await committed(broker, worker.group, tp) == 100
        assert worker.chunks == []

    asyncio.run(scenario())


@pytest.mark.parametrize("wanted", [50, 5_000])
def test_an_offset_outside_the_log_is_reported_and_reads_from_its_start(
    broker: str, topic_prefix: str, tmp_path: Path, wanted: int, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        (tp,) = await topic_of(broker, topic_prefix, 1, [1_000])
        await delete_records(broker, tp, before=100)
        worker = Worker(broker, tp.topic, tmp_path)

        async def offsets(_: frozenset[TP]) -> Mapping[TP, int]:
            return {tp: wanted}

        seek_by(worker.app, offsets)
        async with worker:
            await worker.has(tp, 900)
        assert worker.offsets(tp) == list(range(100, 1_000))

    with caplog.at_level(logging.WARNING, logger="stream.consumer"):
        asyncio.run(scenario())
    assert f"no offset {wanted} in the log [100, 1000)" in caplog.text


def test_seeks_under_load_lose_and_repeat_nothing(broker: str, topic_prefix: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        tps = await topic_of(broker, topic_prefix, 2, [20_000, 5_000])
        worker = Worker(broker, tps[0].topic, tmp_path)

        async def offsets(_: frozenset[TP]) -> Mapping[TP, int]:
            return {tp: len(worker.offsets(tp)) for tp in tps}

        seek_by(worker.app, offsets)
        async with worker:
            for first in range(5_000, 25_000, 1_000):
                load = asyncio.create_task(produce(broker, tps[1], numbers(first, first + 1_000)))
                await worker.consumer.perform_seek()
                await load
                await worker.consumer.perform_seek()
            await worker.has(tps[0], 20_000)
            await worker.has(tps[1], 25_000)
        assert worker.values(tps[0]) == numbers(0, 20_000)
        assert worker.values(tps[1]) == numbers(0, 25_000)

    asyncio.run(scenario())


def test_what_was_fetched_before_a_seek_is_not_delivered_after_it(
    broker: str, topic_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        (tp,) = await topic_of(broker, topic_prefix, 1, [10])
        worker = Worker(broker, tp.topic, tmp_path)
        asked, fetched, handed_over = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def offsets(_: frozenset[TP]) -> Mapping[TP, int]:
            return {tp: 5} if worker.chunks else {}

        async def slow_getmany(active: set[TP] | None, timeout: float) -> Mapping[TP, list[RawRecord]]:  # noqa: ASYNC109 (Faust's)
            asked.set()
            records = await getmany(active, timeout)
            if records:
                fetched.set()
                await handed_over.wait()
            return records

        seek_by(worker.app, offsets)
        async with worker:
            await worker.has(tp, 10)
            getmany = worker.consumer._getmany
            monkeypatch.setattr(worker.consumer, "_getmany", slow_getmany)
            await asyncio.wait_for(asked.wait(), 10)
            await produce(broker, tp, numbers(10, 20))
            await asyncio.wait_for(fetched.wait(), 10)
            seek = asyncio.create_task(worker.consumer.perform_seek())
            await asyncio.wait({seek}, timeout=0.5)
            handed_over.set()
            await seek
            await worker.has(tp, 25)
        assert worker.offsets(tp) == [*range(10), *range(5, 20)]

    asyncio.run(scenario())


def test_an_agent_may_seek_while_the_delivery_waits_for_it(
    broker: str, topic_prefix: str, tmp_path: Path
) -> None:
    async def scenario() -> None:
        (tp,) = await topic_of(broker, topic_prefix, 1, [90_000])
        worker = Worker(broker, tp.topic, tmp_path)

        async def offsets(_: frozenset[TP]) -> Mapping[TP, int]:
            return {tp: len(worker.offsets(tp))}

        seek_by(worker.app, offsets)
        worker.gate.clear()
        async with worker:
            await until(lambda: worker.consumer.ledger.in_flight(tp) > 50, "a full queue")
            await worker.consumer.perform_seek()
            worker.gate.set()
            await until(lambda: worker.chunks[-1:] and worker.chunks[-1].next_offset == 90_000, "the last")
        # A chunk that the agent had in hand when the seek forgot it comes again, and nothing else does.
        again = len(worker.offsets(tp)) - 90_000
        assert again in (0, len(worker.chunks[0]))
        assert worker.offsets(tp)[again:] == list(range(90_000))

    asyncio.run(scenario())


def test_a_slow_agent_bounds_what_is_in_memory_and_loses_nothing(
    broker: str, topic_prefix: str, tmp_path: Path
) -> None:
    async def scenario() -> None:
        slow, other = await topic_of(broker, topic_prefix, 2, [150_000, 0])
        worker = Worker(broker, slow.topic, tmp_path)
        buffered = worker.app.conf.stream_buffer_maxsize
        worker.gate.clear()
        async with worker:
            await until(lambda: worker.consumer.ledger.in_flight(slow) >= buffered * 0.8, "a full queue")
            for _ in range(5):  # a fetch waits 0.2 s at most, and so does this
                await worker.consumer.highwaters(slow)
            assert worker.consumer.ledger.in_flight(slow) <= buffered + 2
            assert worker.consumer.backlog(slow) > 0
            worker.gate.set()
            await worker.has(slow, 150_000)
            await produce(broker, other, numbers(0, 5))
            await worker.has(other, 5)
        assert worker.values(slow) == numbers(0, 150_000)

    asyncio.run(scenario())


def test_a_rebalance_repeats_nothing_acknowledged_and_forgets_the_rest(
    broker: str, topic_prefix: str, tmp_path: Path
) -> None:
    async def scenario() -> None:
        tps = await topic_of(broker, topic_prefix, 4, [3_000] * 4)
        plain = [TP(f"{topic_prefix}plain", partition) for partition in range(4)]
        await create_topic(broker, plain[0].topic, 4)
        first = Worker(broker, tps[0].topic, tmp_path, member="a")
        second = Worker(broker, tps[0].topic, tmp_path, member="b")
        singles = [first.take_singles(plain[0].topic), second.take_singles(plain[0].topic)]
        async with first:
            for tp in tps:
                await first.has(tp, 3_000)
            first.acknowledging = False
            for tp in tps + plain:
                await produce(broker, tp, numbers(3_000, 3_100))
            for tp in tps:
                await first.has(tp, 3_100)
            await until(lambda: len(singles[0]) == 400, "ordinary records")
            async with second:
                moved = second.consumer.assignment()
                chunked = moved & set(tps)
                assert len(chunked) == len(moved - chunked) == 2
                for tp in chunked:
                    await second.has(tp, 100)
                late = [chunk for chunk in first.chunks if chunk.tp in moved and chunk.first_offset >= 3_000]
                assert {first.consumer.acknowledge(chunk) for chunk in late} == {False}
                for tp in chunked:
                    assert second.values(tp) == numbers(3_000, 3_100)
                assert singles[1] == []

    asyncio.run(scenario())


def test_an_app_under_load_stops_within_five_seconds(broker: str, topic_prefix: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        (tp,) = await topic_of(broker, topic_prefix, 1, [100_000])
        worker = Worker(broker, tp.topic, tmp_path)
        worker.acknowledging = False
        worker.gate.clear()
        async with worker:
            await until(lambda: worker.consumer.ledger.in_flight(tp) > 50, "a full queue")
            load = asyncio.create_task(produce(broker, tp, numbers(0, 20_000)))
            asked = monotonic()
        assert monotonic() - asked < 5
        await load

    asyncio.run(scenario())
