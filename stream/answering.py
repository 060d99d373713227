"""From a batch of events to its answers and its lessons: the steps of observing that need no Kafka."""

from typing import Final, NamedTuple

from models.answers import Ranked
from models.batch import Batch
from models.context import Context
from models.examples import Examples, examples_of
from models.fold import fold
from models.observation import Observations
from models.profile import Profiles
from stream.brain import Brain
from stream.replies import banned_items, served_before

__all__ = ["Answer", "answer"]

# Actions of a profile that a context is made from: all of them.
_HISTORY: Final = 50


class Answer(NamedTuple):
    """What M events of a batch showed, what each is answered with, and what they teach."""

    seen: Observations
    ranked: Ranked
    examples: Examples


async def answer(brain: Brain, profiles: Profiles, batch: Batch, *, hide_bought: bool) -> Answer:
    """Fold a batch into the profiles of its users, and rank for each event that is no repeat.

    The profiles remember what was served; nothing is written or learnt yet.
    """
    seen = fold(profiles, batch, _HISTORY)  # repeats drop out
    banned = banned_items(batch, profiles, seen, hide_bought=hide_bought)
    ranked = await brain.rank(Context.of(*seen.after), banned)
    examples = examples_of(batch, seen, served_before(profiles, seen, ranked))
    profiles.serve(seen.user_row, ranked.items)
    return Answer(seen, ranked, examples)
