"""Laws of the baselines that learn event by event: by hand, and against published figures."""

from contextlib import closing
from itertools import islice

import pytest
import torch
from lessons import examples

from models.baselines import BASELINES
from models.events import Event
from models.examples import Examples
from models.metrics import NOT_SCORED
from models.rivals import Rivals
from models.sequential_rules import SequentialRules
from models.session_neighbours import SessionNeighbours
from producers.bundled import REES46
from producers.logs import open_log, read_log
from producers.reading import Reading
from stream.brain import Brain
from stream.evaluation import Evaluation
from stream.settings import Settings

CPU = torch.device("cpu")
NOW = 1_700_000_000_000
HOUR = 3_600_000
# Of the bundled log, by an independent program in plain Python: hit rate at 20.
PUBLISHED = {"sr": 0.1855, "vmis": 0.1631}


def lesson(*events: tuple[int, int, bool]) -> Examples:
    """Return events of users, with items, scored or not."""
    who, item, scored = (torch.tensor(column) for column in zip(*events, strict=True))
    rank = torch.where(scored, 0, NOT_SCORED).to(torch.int8)
    return examples(len(events), 0, CPU)._replace(who=who, item=item, rank=rank)


def test_rules_weigh_by_distance_and_the_latest_item_speaks_loudest() -> None:
    rules = SequentialRules()
    for item in (7, 7, 8):
        rules.learn(1, [5, 6], item, 0)
    # From 6: 7 twice (0.98 + 1), 8 once; from 5 the same at half the weight.
    assert rules.rank(2, [6], 20) == [7, 8]
    rules.learn(1, [9], 8, 0)
    assert rules.rank(2, [6, 9], 20) == [8, 7]
    assert rules.rank(2, [7], 20) == []


def test_an_item_has_three_hundred_rules_at_most() -> None:
    rules = SequentialRules()
    rules.learn(1, [1], 2, 0)
    for item in range(3, 400):
        rules.learn(1, [1], 2, 0)
        rules.learn(1, [1], item, 0)
    assert len(rules._rules[1]) <= 300
    assert rules.rank(1, [1], 1) == [2]


def test_the_nearest_sessions_share_the_newest_items() -> None:
    neighbours = SessionNeighbours()
    for who, items in ((1, [5, 6, 7]), (2, [5, 8]), (3, [5, 6])):
        for item in items:
            neighbours.learn(who, [], item, 0)
    assert neighbours.rank(3, [5, 6], 20)[0] == 7
    assert set(neighbours.rank(3, [5, 6], 20)) == {5, 7, 8}


def test_an_hour_without_an_event_ends_a_session() -> None:
    neighbours = SessionNeighbours()
    for ts, item in ((0, 5), (HOUR + 1, 6)):
        neighbours.learn(1, [], item, ts)
    neighbours.learn(2, [], 6, 0)
    assert neighbours.rank(2, [6], 20) == []


def test_a_rival_has_learnt_each_event_before_the_next_is_ranked() -> None:
    rivals = Rivals({"sr": SequentialRules()})
    pairs = [(1, 5, False), (1, 6, True), (2, 5, False), (2, 6, True)]
    rivals.test_and_learn(lesson(*pairs), popular=[])
    assert (rivals.quality["sr"].scored, rivals.quality["sr"].hit_rate_20) == (2, 0.5)


def test_a_short_list_is_filled_with_what_is_popular() -> None:
    rivals = Rivals({"sr": SequentialRules()})
    rivals.test_and_learn(lesson((1, 5, False), (1, 6, True)), popular=[5, 9, 6])
    assert rivals.quality["sr"].mrr_20 == 0.5


def test_they_are_as_good_as_published_on_the_bundled_log() -> None:
    records = (it for it in read_log(open_log(REES46), Reading()) if isinstance(it, Event))
    settings = Settings(device="cpu", batch=512)
    with closing(Brain(settings, without=("embedding", "transitions", "recent"))) as brain:
        rivals = {name: make() for name, make in BASELINES["usual"].items()}
        quality = Evaluation(brain, settings, NOW, rivals).run(islice(records, None))[-1].quality
    for name, published in PUBLISHED.items():
        assert quality[name].scored == 8_643
        assert quality[name].hit_rate_20 == pytest.approx(published, abs=0.005)


def test_without_its_scorers_the_product_is_no_better_than_what_is_popular() -> None:
    records = (it for it in read_log(open_log(REES46), Reading()) if isinstance(it, Event))
    settings = Settings(device="cpu", batch=256)
    with closing(Brain(settings, without=("embedding", "transitions", "recent"))) as brain:
        quality = Evaluation(brain, settings, NOW).run(islice(records, 4_000))[-1].quality
    assert quality["headrace"].hit_rate_20 == pytest.approx(quality["pop"].hit_rate_20, abs=0.01)
