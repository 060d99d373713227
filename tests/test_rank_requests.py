"""Laws of requests for rankings: joined or not, each gets the answer to its own question."""

import asyncio
import threading

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.answers import Ranked
from models.batch import Longs
from models.context import CONTEXT_ITEMS, Context
from stream.model_thread import ModelThread
from stream.rank_requests import RankRequests

# Users, banned items a line, and k, of each request.
Asked = list[tuple[int, int, int]]


class Scribe:
    """Ranks by the sums of what it is given, and keeps account of its calls."""

    def __init__(self, *, fails: bool = False) -> None:
        self.calls: list[int] = []
        self._fails = fails

    def rank(self, context: Context, banned: Longs, k: int) -> Ranked:
        self.calls.append(len(banned))
        if self._fails:
            raise RuntimeError("no ranking today")
        told = context.items.numpy().sum(axis=1) + 1_000 * banned.sum(axis=1)
        items = told[:, None] + np.arange(k)
        chances = items.astype(np.float32) / 7
        return Ranked(items, -chances, (items % 5).astype(np.uint8), chances, None)


def question(number: int, users: int, banned: int) -> tuple[Context, Longs]:
    drawn = np.random.default_rng(number)
    items, ts = (drawn.integers(0, 1_000, (users, CONTEXT_ITEMS)) for _ in range(2))
    actions = torch.zeros((users, CONTEXT_ITEMS), dtype=torch.uint8)
    return Context(torch.from_numpy(items), actions, torch.from_numpy(ts)), drawn.integers(
        0, 9, (users, banned)
    )


def ask_together(scribe: Scribe, asked: Asked) -> list[Ranked | BaseException]:
    """Return the answers to questions that all wait when the model's thread becomes free."""

    async def ask() -> list[Ranked | BaseException]:
        thread, free = ModelThread(), threading.Event()
        requests = RankRequests(thread, scribe.rank)
        busy = asyncio.ensure_future(thread.run(free.wait))
        waiting = [
            asyncio.ensure_future(requests.ask(*question(number, users, banned), k))
            for number, (users, banned, k) in enumerate(asked)
        ]
        await asyncio.sleep(0)  # now they have asked
        free.set()
        answers = await asyncio.gather(*waiting, return_exceptions=True)
        await busy
        thread.close()
        return answers

    return asyncio.run(ask())


asked_together = st.lists(
    st.tuples(st.integers(0, 5), st.integers(1, 4), st.sampled_from([3, 20])), min_size=1, max_size=6
)


@given(asked_together)
def test_each_gets_the_answer_to_its_own_question(asked: Asked) -> None:
    scribe = Scribe()
    answers = ask_together(scribe, asked)
    assert sum(scribe.calls) == sum(users for users, _, _ in asked)
    assert len(scribe.calls) == len({k for _, _, k in asked})  # one call for all that ask for as many
    for number, ((users, banned, k), answer) in enumerate(zip(asked, answers, strict=True)):
        assert isinstance(answer, Ranked)
        alone = Scribe().rank(*question(number, users, banned), k)
        for got, expected in zip(answer, alone, strict=True):
            assert (got is None and expected is None) or np.array_equal(got, expected)


def test_an_error_reaches_each_who_asked() -> None:
    answers = ask_together(Scribe(fails=True), [(1, 1, 20), (2, 1, 20), (1, 1, 3)])
    assert [str(answer) for answer in answers] == ["no ranking today"] * 3


def test_who_asks_later_is_answered_as_well() -> None:
    async def ask_twice() -> list[int]:
        thread, scribe = ModelThread(), Scribe()
        requests = RankRequests(thread, scribe.rank)
        for users in (2, 3):
            await requests.ask(*question(0, users, 1), 5)
        thread.close()
        return scribe.calls

    assert asyncio.run(ask_twice()) == [2, 3]
