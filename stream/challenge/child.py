"""The process of who is on trial: it trains a challenger, or loads the champion before, and has it judged.

It reads the catalog and the examples from Kafka as the learner does, at a low priority, and tells its
parent how it goes. All that it finds follows from its order and the log, whenever it runs; where there is a
catalog, nearly: it may come in another order, in which what is equally likely stands then.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from contextlib import aclosing
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Final, NoReturn

import numpy as np
from aiokafka.errors import KafkaError
from faust.types import TP

from models.catalog import Catalog
from models.challenger import PROBATION, Challenger, Standing
from models.examples import Examples, no_examples
from models.names import Names
from models.recommender import Recommender
from models.rules import Phase
from models.training import Lap, Training
from stream.challenge import plan
from stream.challenge.all_at_hand import AllAtHand
from stream.challenge.folder import TrialFolder
from stream.challenge.kept import KeptModel
from stream.log_reader import LogReader
from stream.progress import Mark
from stream.rereading import Rereading
from stream.security import client_options
from stream.shelf import Shelf
from stream.topics import Topics

__all__ = ["Trial", "main"]

_NICENESS: Final = 10
# Examples of a step on trial: cut by count, not by what a fetch brings, so that it comes out the same again.
_STEP: Final = 64
_SAY_SECONDS: Final = 1.0
_LOOK_SECONDS: Final = 0.1
_ORDER_BYTES: Final = 2**24


class Trial:
    """What the process does.

    Parameters
    ----------
    order
        What it was told.
    say
        Tells the parent.

    Attributes
    ----------
    is_wanted
        Set once the parent wants the model.
    """

    def __init__(self, order: plan.Order, say: Callable[[plan.Message], None]) -> None:
        self._order, self._plan, self._say = order, order.plan, say
        self._brain = AllAtHand(order.settings)
        name = Topics(order.settings.topic_prefix, order.settings.partitions).name
        self._examples = TP(name("examples"), 0)
        client = client_options(order.settings)
        catalog = [TP(name("catalog"), number) for number in range(order.settings.partitions)]
        self._names, self._folder = Names(), TrialFolder(Path(order.folder))
        self._shelf = Shelf(Catalog(), self._names, self._brain, client=client, tps=catalog)
        self._reader = LogReader(client, [self._examples])
        self._pending, self._said_at, self._has_verdict = no_examples(), 0.0, False
        self.is_wanted = asyncio.Event()

    async def run(self) -> None:
        """Train, follow and be judged, until the model is handed over."""
        await self._shelf.start(_fail)
        while not self._shelf.has_caught_up:  # noqa: ASYNC110 - it tells nobody when it has
            await asyncio.sleep(_LOOK_SECONDS)
        async with self._reader:
            trial = self._challenger if self._plan.role is Phase.CHALLENGER else self._predecessor
            await self._follow(*await trial())
        await self._shelf.stop()

    async def _challenger(self) -> tuple[Challenger, Rereading]:
        """Return a new model beside the champion, and the reading that goes on where both stand."""
        champion = self._built(self._folder.champion(self._plan.champion))
        rereading = Rereading(self._reader, self._examples, self._plan.first, self._names)
        async with aclosing(rereading.until(self._plan.position)) as runs:
            window = [run async for run in runs]
        gone = np.array(list(rereading.erased), np.int64)
        window = [run.take(~np.isin(run.who.numpy(), gone)) for run in window]
        training = Training(self._brain.new, [no_examples(), *window], self._plan.recent)
        trained = await self._brain.call(partial(training.run, self._passing))
        self._say(plan.WasTrained(trained.window, trained.hit_rates, trained.prequential_hit_rate))
        return Challenger(trained.recommender, champion), rereading

    async def _predecessor(self) -> tuple[Challenger, Rereading]:
        """Return the champion before beside the one after it, who has yet to learn what that one knows."""
        before = self._folder.predecessor(self._plan.position)
        after = self._folder.champion(self._plan.champion)
        predecessor, champion = self._built(before), self._built(after)
        rereading = Rereading(self._reader, self._examples, after.place, self._names)
        async with aclosing(rereading.until(self._plan.position)) as runs:
            async for run in runs:
                for step in run.steps(_STEP):
                    await self._brain.call(champion.learn_many, step)
        return Challenger(predecessor, champion, PROBATION), rereading

    def _built(self, kept: KeptModel) -> Recommender:
        kept.name(self._names)
        return kept.build(self._brain.new)

    def _passing(self, lap: Lap) -> None:
        self._say(plan.Passing(lap.window, lap.pass_number))

    async def _follow(self, challenger: Challenger, rereading: Rereading) -> None:
        while True:
            hands_over = self.is_wanted.is_set()
            async with aclosing(rereading.until(sys.maxsize)) as runs:
                async for run in runs:
                    await self._take(challenger, run)
            challenger.forget(rereading.erased)
            if hands_over:
                break
            await asyncio.sleep(_LOOK_SECONDS)
        await self._brain.call(challenger.follow, self._pending)
        place = Mark(rereading.position, rereading.taught, rereading.learnt_to)
        self._folder.hand_over(KeptModel.of(challenger.recommender, place, self._names))
        self._say(plan.HandedOver())

    async def _take(self, challenger: Challenger, run: Examples) -> None:
        self._pending = Examples.join([self._pending, run])
        *whole, rest = self._pending.steps(_STEP)
        if len(rest.item) == _STEP:
            whole, rest = [*whole, rest], no_examples()
        for step in whole:
            await self._brain.call(challenger.follow, step)
            self._tell(challenger.standing)
        self._pending = rest

    def _tell(self, standing: Standing) -> None:
        """Say how it stands now and then, and once what the verdict is."""
        if not self._has_verdict and (standing.verdict or monotonic() - self._said_at > _SAY_SECONDS):
            self._said_at, self._has_verdict = monotonic(), bool(standing.verdict)
            self._say(plan.Stood(standing))


async def _fail(error: BaseException) -> NoReturn:
    _say(plan.Failed(repr(error), again=isinstance(error, KafkaError)))
    os._exit(1)


def _say(message: plan.Message) -> None:
    sys.stdout.buffer.write(plan.encoder.encode(message) + b"\n")
    sys.stdout.buffer.flush()


async def _listen(commands: asyncio.StreamReader, trial: Trial) -> None:
    """Take the parent's word; where there is none any more, it is gone."""
    while await commands.readline():
        trial.is_wanted.set()
    os._exit(0)


async def _run() -> None:
    commands = asyncio.StreamReader(limit=_ORDER_BYTES)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(commands), sys.stdin.buffer
    )
    order = plan.orders.decode(await commands.readline())
    try:
        trial = Trial(order, _say)
        listening = asyncio.create_task(_listen(commands, trial))
        await trial.run()
        listening.cancel()
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent is told, and decides
        await _fail(error)


def main() -> None:
    """Do what the first line of the input orders."""
    for one in (signal.SIGINT, signal.SIGTERM):  # its parent's to hear: when that is gone, so is the input
        signal.signal(one, signal.SIG_IGN)
    os.nice(_NICENESS)
    asyncio.run(_run())
    os._exit(0)  # no client of Kafka holds it up


if __name__ == "__main__":
    main()
