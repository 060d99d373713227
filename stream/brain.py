"""The recommender of this worker, behind its one thread: what the agents and the web ask."""

import asyncio
from collections.abc import Callable, Collection
from functools import partial
from typing import TypeVar

import torch

from models.answers import Ranked
from models.batch import Floats, Longs
from models.budget import Budget
from models.catalog import News
from models.context import Context
from models.course import Course
from models.descriptions import Descriptions
from models.examples import Examples, no_examples
from models.objective import Objective
from models.recommender import Recommender
from models.sentences import EncoderMissing, SentenceEncoder
from models.sketch import SKETCH
from models.snapshot import Snapshot
from models.stock import Stock
from stream.challenge.kept import KeptModel
from stream.inspection import require_fit
from stream.lessons import Learnt
from stream.model_thread import ModelThread
from stream.rank_requests import RankRequests
from stream.settings import BadSetting, Settings

__all__ = ["Brain"]

_Result = TypeVar("_Result")


class Brain:
    """Ranks, tests and learns on the settings' device; every call runs on the model's thread.

    Scorers may be left out by name (``without``), to see what they bring.
    """

    def __init__(self, settings: Settings, without: Collection[str] = ()) -> None:
        self.device = _device(settings.device)
        rationed = settings.model_bytes_per_second > 0
        self._stock = Stock(settings.max_items, self.device)
        self._encoder = _encoder(settings.text)
        self._new = partial(Recommender, self._stock, settings.seed, is_rationed=rationed, without=without)
        self._objective = Objective(settings.objective)
        self.recommender = self.new()
        self._top_k = settings.top_k
        self._thread = ModelThread()
        self._asked = no_examples().context  # of whom it was asked last
        self._requests = RankRequests(self._thread, self._rank)

    def new(self) -> Recommender:
        """Return a model that knows nothing."""
        recommender = self._new()
        recommender.product.aim_at(self._objective)
        return recommender

    async def rank(self, context: Context, banned: Longs, k: int | None = None) -> Ranked:
        """Return the best ``k`` items (the setting's, where it is None) for B contexts.

        ``banned`` is int64[B, X], the keys of items that a line must not hold, 0 for none.
        """
        return await self._requests.ask(context, banned, k or self._top_k)

    async def popular(self, k: int) -> list[int]:
        """Return the keys of the items that are popular now, best first."""
        found: torch.Tensor = await self._thread.run(self.recommender.popular, k)
        return [key for key in found.tolist() if key]

    async def test_and_learn(self, examples: Examples, *, is_new: bool = True) -> Learnt:
        """Test on the examples, where they are new, then learn from them in one step."""
        if not len(examples.item):
            return Learnt(None, again=not is_new)
        return await self._thread.run(self._test_and_learn, examples, is_new)

    async def retrain(self, course: Course, examples: Examples, learnt: Learnt) -> None:
        """Retrain as the rules have it, after examples were learnt; it takes as long as it takes."""
        await self._thread.run(self._retrain, course, examples, learnt)

    async def foretold(self) -> Floats:
        """Return how likely carts and purchases were at the views that were learnt last, float32[2, V]."""
        return await self._thread.run(self._foretold)

    async def reset(self) -> None:
        """Forget all that was learnt."""
        await self._thread.run(self._reset)

    async def take_changes(self, budget: Budget | None = None) -> Snapshot:
        """Return what the model has learnt since the last call, all from one moment, as the budget allows."""
        return await self._thread.run(self.recommender.take_changes, budget)

    async def follow(self, part: Snapshot) -> None:
        """Apply what another worker's model has learnt."""
        await self._thread.run(self.recommender.follow, part)

    async def restock(self, news: News) -> None:
        """Take in what the shop says of its items."""
        # In a thread: answers go on meanwhile.
        said = await asyncio.to_thread(Descriptions.of, news.described, self._encoder)
        await self._thread.run(self._restock, said, news)

    async def draw_from(self, items: Longs) -> None:
        """Draw negatives from the keys of items, int64[n], the newest last, and of no others."""
        await self._thread.run(self.recommender.draw_from, items)

    async def call(self, wanted: Callable[..., _Result], *arguments: object) -> _Result:
        """Return what ``wanted(*arguments)`` returns, on the model's thread."""
        return await self._thread.run(wanted, *arguments)

    async def succeed(self, successor: KeptModel) -> None:
        """Put a model in the place of the one that serves.

        Raises
        ------
        models.guardrails.Unfit
            If it must not serve.
        """
        recommender = await asyncio.to_thread(successor.build, self.new)  # answers go on meanwhile
        await self._thread.run(self._succeed, recommender)

    async def replace(self, snapshot: Snapshot) -> None:
        """Serve what another worker's model knows, and nothing of what was known here."""
        successor = self.new()
        await asyncio.to_thread(partial(successor.follow, snapshot, quietly=True))  # answers go on meanwhile
        await self._thread.run(self._set, successor)

    def close(self) -> None:
        """End the thread."""
        self._thread.close()

    def _reset(self) -> None:
        self.recommender = self.new()

    def _restock(self, said: Descriptions, news: News) -> None:
        self._stock.remove(news.removed)  # which makes room
        self._stock.describe(said)
        if news.unavailable is not None:
            self._stock.unavailable.replace(news.unavailable)
            self.recommender.product.note_withheld()

    def _rank(self, context: Context, banned: Longs, k: int) -> Ranked:
        self._asked = context
        forbidden = torch.from_numpy(banned).to(self.device, non_blocking=True)
        here, heads = context.to(self.device), self.recommender.product.behaviour
        ranking = self.recommender.predict_many(here, forbidden, k)
        return Ranked.of(ranking, heads.predict_many(here, ranking.items) if heads.views else None)

    def _foretold(self) -> Floats:
        foretold: Floats = self.recommender.product.behaviour.foretold.cpu().numpy()
        return foretold

    def _test_and_learn(self, examples: Examples, is_new: bool) -> Learnt:  # noqa: FBT001 - the thread passes no names
        here, recommender = examples.to(self.device), self.recommender
        if is_new:
            recommender.test_many(here)
        before = recommender.refused
        loss = float(recommender.learn_many(here).mean())
        refused, alarms = recommender.refused - before, recommender.monitor.take_alarms()
        return Learnt(loss, refused, alarms, again=not is_new)

    def _retrain(self, course: Course, examples: Examples, learnt: Learnt) -> None:
        self.recommender = course.take(self.recommender, examples, learnt.alarms)

    def _succeed(self, successor: Recommender) -> None:
        champion = self.recommender
        require_fit(successor, champion, self._asked)
        successor.succeed(champion)
        self._set(successor)

    def _set(self, recommender: Recommender) -> None:
        self.recommender = recommender
        recommender.product.note_withheld()  # items may have been withheld while it was made


def _encoder(wanted: str) -> SentenceEncoder | None:
    try:
        return SentenceEncoder(SKETCH) if wanted == "minilm" else None
    except EncoderMissing as error:
        raise BadSetting(str(error)) from error


def _device(wanted: str) -> torch.device:
    if wanted == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if wanted == "cuda" and not torch.cuda.is_available():
        raise BadSetting("HEADRACE_DEVICE=cuda: torch finds no CUDA device here; set it to auto or cpu")
    return torch.device(wanted)
