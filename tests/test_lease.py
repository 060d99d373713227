"""Laws of the lease: nothing is published that the group might have given to another."""

import asyncio
from collections.abc import Iterable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from stream.lease import Lease, running_seconds
from stream.leased import LeasedPublisher
from stream.publisher import OffsetRange, Outgoing


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Kept:
    """A publisher that keeps what it is given."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    async def publish(self, topic: str, *_: object) -> "asyncio.Future[list[Any]]":
        self.sent.append(topic)
        return asyncio.get_running_loop().create_future()

    async def publish_in_turn(self, topic: str, _: int, records: Iterable[Outgoing]) -> list[OffsetRange]:
        self.sent.append(topic)
        return [OffsetRange(0, len(list(records)))]


@given(st.lists(st.floats(0, 30), max_size=20), st.floats(0, 30))
def test_a_lease_is_held_for_a_session_since_the_newest_question_that_was_answered(
    asked: list[float], now: float
) -> None:
    clock = Clock()
    lease = Lease(10.0, clock)
    for at in asked:
        lease.renew(as_of=1_000.0 + at)
    clock.now = 1_000.0 + now
    assert lease.is_held is any(clock.now < 1_000.0 + at + 10.0 for at in asked)


def test_nothing_is_published_before_the_lease_is_held() -> None:
    async def law() -> None:
        clock, kept = Clock(), Kept()
        lease = Lease(10.0, clock)
        publisher = LeasedPublisher(kept, lambda: lease)  # type: ignore[arg-type]
        waiting = [
            asyncio.ensure_future(publisher.publish("outbox", 0, [])),
            asyncio.ensure_future(publisher.publish_in_turn("changelog", 0, [])),
        ]
        _, pending = await asyncio.wait(waiting, timeout=0.1)
        assert len(pending) == 2
        assert not kept.sent
        lease.renew(as_of=clock.now)
        await asyncio.gather(*waiting)
        assert kept.sent == ["outbox", "changelog"]
        clock.now += 10.0
        late = asyncio.ensure_future(publisher.publish("late", 0, []))
        _, pending = await asyncio.wait([late], timeout=0.1)
        assert pending
        late.cancel()

    asyncio.run(asyncio.wait_for(law(), 30))


def test_the_clock_goes_on() -> None:
    before = running_seconds()
    assert before <= running_seconds() < before + 60
