"""Three students of one made-up shop: the behaviour heads as they are, with hindsight, and a day late."""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
import torch
from torch import Tensor

from models.batch import Batch, Bools
from models.behaviour import Behaviour
from models.chance_scores import ChanceQuality, ChanceScores
from models.conversions import HEADS, VIEW, Conversions, conversions_of, without_own
from models.embedding import EmbeddingLearner, Hyperparameters
from models.events import Event
from models.examples import Examples, examples_of
from models.fold import fold
from models.layout import ACTIONS
from models.profile import SERVED_ITEMS, Profiles
from models.table import Table
from producers.shop.plan import DAY_MS, ShopPlan
from producers.shop.shop import Shop

__all__ = ["Hindsight", "Late", "Lesson", "Student", "lessons_of", "marks"]

_BATCH: Final = 256
_MAX_ITEMS: Final = 100_000
# All that comes of a view has come by then: what the last views of a shop lead to is not in its log.
_UNSETTLED_MS: Final = 3 * DAY_MS
_NEVER: Final = 2**62
_PURCHASE: Final = 1  # its place in `HEADS`


class Lesson(NamedTuple):
    """B examples in order, and what will have come of those that are views."""

    examples: Examples
    delay: Tensor  # int64[A, B], milliseconds from the view until it comes, _NEVER where it does not

    @property
    def told(self) -> Conversions:
        """The views, each with all that will come of it."""
        examples = self.examples
        is_view = examples.action == VIEW
        context = without_own(examples.context, examples.item)
        came, ts = self.delay < _NEVER, examples.ts
        lines = Conversions(context, examples.item, is_view, came, ts, torch.zeros_like(ts))
        return lines.take(is_view.nonzero().squeeze(1))


def lessons_of(plan: ShopPlan) -> list[Lesson]:
    """Return all that happens in a shop, in order."""
    events = [record for record in Shop(plan).records() if isinstance(record, Event)]
    profiles = Profiles(sorted({event.user_id for event in events}))
    parts = [_examples(profiles, Batch.of(events[at : at + _BATCH])) for at in range(0, len(events), _BATCH)]
    sizes = [len(part.item) for part in parts]
    delays = torch.split(_delays(Examples.join(parts)), sizes, dim=1)
    return [Lesson(*pair) for pair in zip(parts, delays, strict=True)]


def _examples(profiles: Profiles, batch: Batch) -> Examples:
    seen = fold(profiles, batch, ACTIONS.capacity)
    nothing = np.zeros((len(seen.kept), SERVED_ITEMS), np.int64)
    return examples_of(batch, seen, nothing, profiles.pseudonym[seen.user_row])


def _delays(examples: Examples) -> Tensor:
    """Return how long after each view a cart and a purchase came of it, int64[A, B]: of the latest, once."""
    delays = torch.full((len(HEADS), len(examples.item)), _NEVER)
    latest: dict[tuple[int, int], tuple[int, int]] = {}  # by user and item: the place of a view, and its time
    columns = (examples.who, examples.item, examples.action, examples.ts)
    for at, (who, item, action, ts) in enumerate(zip(*(it.tolist() for it in columns), strict=True)):
        if action == VIEW:
            latest[who, item] = at, ts
        elif action in HEADS and (who, item) in latest:
            view, began = latest[who, item]
            if delays[_PURCHASE, view] == _NEVER:
                done = delays[: HEADS.index(action) + 1, view]  # who buys has had it in the cart
                done.clamp_(max=ts - began)
    return delays


class Student:
    """The heads, and an embedding of their own: tested on each lesson, then taught it.

    Learns as a worker does, a cart or purchase when it comes; others differ in what they are told.
    """

    def __init__(self) -> None:
        hyperparameters = Hyperparameters()
        columns = hyperparameters.columns | Behaviour.COLUMNS
        table = Table(columns, _MAX_ITEMS, torch.device("cpu"), seed=0)
        self._embedding = EmbeddingLearner(table, 0, hyperparameters)
        self._behaviour = Behaviour(table, self._embedding)

    def foretell(self, lesson: Lesson) -> Tensor:
        """Return how likely a purchase is, if each example were a view, float32[B]."""
        examples = lesson.examples
        context = without_own(examples.context, examples.item)
        return self._behaviour.predict_many(context, examples.item[:, None]).purchase[:, 0]

    def learn(self, lesson: Lesson) -> None:
        """Learn from what it is told."""
        told = list(self._lines(lesson))
        for lines in told:
            self._behaviour.learn_many(lines)
        self._embedding.learn_many(lesson.examples)
        for lines in told:
            self._behaviour.count_many(lines)

    def _lines(self, lesson: Lesson) -> Iterator[Conversions]:
        yield conversions_of(lesson.examples)


class Hindsight(Student):
    """Is told at each view what will come of it: the best that can be reached, and nobody can."""

    def _lines(self, lesson: Lesson) -> Iterator[Conversions]:
        yield lesson.told


class Late(Student):
    """Waits a day, and is told what has come of each view by then."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: deque[Conversions] = deque()

    def _lines(self, lesson: Lesson) -> Iterator[Conversions]:
        by_then = lesson.delay.where(lesson.delay <= DAY_MS, _NEVER)
        self._waiting.append(lesson._replace(delay=by_then).told)
        now = int(lesson.examples.ts[-1])
        while self._waiting and (
            not len(self._waiting[0].ts) or now - int(self._waiting[0].ts[-1]) >= DAY_MS
        ):
            yield self._waiting.popleft()


def marks(student: Student, lessons: Sequence[Lesson]) -> ChanceQuality:
    """Return how well a student foresaw purchases, of all views whose outcome the log holds.

    Raises
    ------
    ValueError
        If there was none.
    """
    scores, end = ChanceScores(), int(lessons[-1].examples.ts[-1]) - _UNSETTLED_MS
    for lesson in lessons:
        examples = lesson.examples
        scored: Bools = ((examples.action == VIEW) & (examples.ts < end)).numpy()
        came: Bools = (lesson.delay[_PURCHASE] < _NEVER).numpy()
        scores.update_many(student.foretell(lesson).numpy()[scored], came[scored])
        student.learn(lesson)
    quality = scores.quality
    if quality is None:
        raise ValueError("nothing was bought in this shop")
    return quality
