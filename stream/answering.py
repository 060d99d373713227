"""From a batch of events to its answers and its lessons: the steps of observing that need no Kafka."""

from typing import NamedTuple

import numpy as np

from models.answers import Ranked
from models.batch import TAKES_BACK, Batch, Longs
from models.context import Context
from models.examples import Examples, examples_of
from models.fold import fold
from models.layout import ACTIONS
from models.observation import History, Observations
from models.profile import SERVED_ITEMS, Profiles
from models.timeline import action_of, as_of, stamps
from stream.brain import Brain

__all__ = ["Answer", "answer", "banned_items", "served_before"]


class Answer(NamedTuple):
    """What M events of a batch showed, what each is answered with, and what they teach."""

    seen: Observations
    ranked: Ranked
    examples: Examples


async def answer(brain: Brain, profiles: Profiles, batch: Batch, *, hide_bought: bool) -> Answer:
    """Fold a batch into the profiles of its users, and rank for each event that is no repeat.

    The profiles remember what was served; nothing is written or learnt yet.
    """
    seen = fold(profiles, batch, ACTIONS.capacity)  # repeats drop out
    lines = profiles.lines.entries[seen.user_row]  # int64[M, 2, 32]
    banned = banned_items(batch.item[seen.kept], seen.after, lines, hide_bought=hide_bought)
    ranked = await brain.rank(Context.of(*seen.after), banned)
    served, who = served_before(profiles, seen, ranked), profiles.pseudonym[seen.user_row]
    examples = examples_of(batch, seen, served, who)
    profiles.serve(seen.user_row, ranked.items)
    return Answer(seen, ranked, examples)


def served_before(profiles: Profiles, seen: Observations, ranked: Ranked) -> Longs:
    """Return the recommendation that was in force before each event, int64[M, K], 0-padded.

    It is the one for the user's event before it, in this batch or an earlier one.
    """
    served = profiles.served[seen.user_row]  # int64[M, K]
    here = seen.previous >= 0  # bool[M]
    width = min(ranked.items.shape[1], SERVED_ITEMS)
    served[here] = 0
    served[here, :width] = ranked.items[seen.previous[here], :width]
    return served


def banned_items(item: Longs, after: History, lines: Longs, *, hide_bought: bool) -> Longs:
    """Return the items that each of M answers must not hold, int64[M, X], 0 for none.

    Parameters
    ----------
    item
        int64[M], the items just acted on.
    after
        What the users had done by then: what was bought later is not known yet.
    lines
        int64[M, 2, 32], items and stamps of the users' order lines, maybe later ones among them.
    hide_bought
        Whether an answer must not hold what its user has bought and not returned.
    """
    if not hide_bought:
        return item[:, None]
    bought, stamp = lines[:, 0], lines[:, 1]  # int64[M, 32] each
    now = as_of(stamps(after.ts[:, :1], after.action[:, :1]))  # int64[M, 1]
    hidden = np.where((stamp <= now) & ~TAKES_BACK[action_of(stamp)], bought, 0)
    return np.concatenate([item[:, None], hidden[:, hidden.any(axis=0)]], axis=1)
