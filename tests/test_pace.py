"""Laws of the pace between answers and lessons."""

import asyncio

from stream.pace import Pace


async def waits(pace: Pace, events: int) -> bool:
    """Hand events on; return whether that has to wait."""
    handing = asyncio.create_task(pace.handed_on(events))
    await asyncio.sleep(0)
    has_to = not handing.done()
    handing.cancel()
    return has_to


def test_answers_wait_once_they_are_three_batches_ahead_of_the_lessons() -> None:
    async def run() -> list[bool]:
        pace = Pace(8)
        waited = [await waits(pace, 8) for _ in range(4)]
        pace.learnt(16)  # of 32: one batch may come
        return [*waited, await waits(pace, 8), await waits(pace, 1)]

    assert asyncio.run(run()) == [False, False, False, True, False, True]


def test_another_learner_owes_nothing_for_what_the_one_before_was_handed() -> None:
    async def run() -> tuple[bool, bool]:
        pace = Pace(8)
        await pace.handed_on(24)
        waiting = asyncio.create_task(pace.handed_on(8))
        await asyncio.sleep(0)
        pace.begin_anew()
        await asyncio.wait_for(waiting, 0.1)  # at once, not after the half second of its patience
        return await waits(pace, 24), await waits(pace, 1)

    assert asyncio.run(run()) == (False, True)
