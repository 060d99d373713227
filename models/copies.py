"""Copies of a recommender: what it has learnt, in another that knew nothing."""

from collections.abc import Callable, Iterable

from models.batch import Longs
from models.recommender import Recommender
from models.snapshot import Snapshot

__all__ = ["copy_of", "restored"]


def copy_of(recommender: Recommender, new: Callable[[], Recommender]) -> Recommender:
    """Return a model that goes on as this one would; ``new`` returns one that knows nothing."""
    return restored(new(), [recommender.snapshot()], recommender.negatives.items.cpu().numpy())


def restored(recommender: Recommender, parts: Iterable[Snapshot], negatives: Longs) -> Recommender:
    """Return a recommender that knew nothing with what it is to know; the stock it shares stays as it is.

    Parameters
    ----------
    recommender
        It is changed.
    parts
        A whole snapshot, or all changes since the beginning, the oldest first.
    negatives
        Keys of the items that taught last, int64[n], the newest last: it takes as many as it has room for.
    """
    for part in parts:
        recommender.follow(part, quietly=True)
    recommender.draw_from(negatives[-recommender.negatives.capacity :])
    return recommender
