"""The law of a safe start: after 2,000 events no scorer alone is better than all together, but by chance."""

import itertools
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from models.metrics import Quality
from models.sources import SOURCES
from producers.bundled import ONLINE_RETAIL, REES46
from producers.logs import open_log, read_log
from producers.reading import Reading
from stream.brain import Brain
from stream.evaluation import Evaluation
from stream.settings import Settings

NOW = 1_700_000_000_000
YOUNG, END = 2_000, 4_000
# One event in fifty of those that are hit: the same model with another seed differs by about as much.
CHANCE = 0.98


def hits_after(log: Path, without: set[str]) -> int:
    """Return the hits in events 2,000 to 4,000 of a log, without some scorers."""
    settings = msgspec.structs.replace(Settings(), batch=50, device="cpu")
    with closing(Brain(settings, without)) as brain:
        records = itertools.islice(read_log(open_log(log), Reading()), 2 * END)
        curve = Evaluation(brain, settings, NOW).run(records)
    quality: list[Quality] = [
        next(at.quality["headrace"] for at in curve if at.events >= count) for count in (YOUNG, END)
    ]
    before, after = (round(it.hit_rate_20 * it.scored) for it in quality)
    return after - before


@pytest.mark.parametrize("log", [REES46, ONLINE_RETAIL], ids=["rees46", "online_retail"])
def test_after_two_thousand_events_no_scorer_alone_is_better(log: Path) -> None:
    together = hits_after(log, set())
    alone = {name: hits_after(log, set(SOURCES) - {name}) for name in SOURCES}
    assert together >= CHANCE * max(alone.values()), alone
