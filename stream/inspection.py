"""What a successor must show before it serves, beside the champion: sound lists, and as soon."""

from time import perf_counter
from typing import Final

from models.context import Context
from models.guardrails import Unfit, require_finite
from models.metrics import K
from models.recommender import Recommender

__all__ = ["require_fit"]

# How much longer its lists may take than the champion's, by the quickest of so many turns each.
_SLOWER: Final = 2.0
_TURNS: Final = 5
_LINES: Final = 64


def require_fit(successor: Recommender, champion: Recommender, asked: Context) -> None:
    """Have both make lists for some of those who asked last.

    Raises
    ------
    Unfit
        As `require_finite` says, or if the successor takes much longer than the champion.
    """
    lines = asked.take(slice(_LINES)).to(successor.device)
    require_finite(successor, lines)
    turns = [(_seconds(champion, lines), _seconds(successor, lines)) for _ in range(_TURNS)]
    of_champion, of_successor = (min(seconds) for seconds in zip(*turns, strict=True))
    if len(lines.items) and of_successor > _SLOWER * of_champion:
        took = f"{1_000 * of_successor:.1f} ms, those of the champion {1_000 * of_champion:.1f} ms"
        raise Unfit(f"its lists take {took}")


def _seconds(recommender: Recommender, context: Context) -> float:
    start = perf_counter()
    recommender.predict_many(context, context.items[:, :1], K).items.cpu()  # which waits for the device
    return perf_counter() - start
