"""Laws of scoring: hand arithmetic, and the baselines against an oracle on the bundled log."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from ir_measures import RR, Qrel, ScoredDoc, Success, calc_aggregate, nDCG
from plain_scores import figures, plain_scores

from models.answers import Ranked
from models.batch import Batch
from models.context import Context
from models.events import Event
from models.exam import PRODUCT
from models.examples import Examples, examples_of
from models.fold import fold
from models.metrics import MISSED, NOT_SCORED, K, Scoreboard, rank_of
from models.profile import Profiles
from models.recommender import Recommender
from models.stock import Stock
from producers.bundled import REES46
from producers.logs import open_log, read_log
from producers.reading import Reading
from stream.answering import served_before

CPU = torch.device("cpu")
HISTORY = 50
BATCH, STEP = 512, 256
# What the reference gives for this log; a few events of a batch stand between it and the worker's own.
PUBLISHED = {"pop": 0.0626, "rep": 0.1679}
NEAR = 0.005


def board(*ranks: int) -> Scoreboard:
    scoreboard = Scoreboard()
    scoreboard.update_many(torch.tensor(ranks, dtype=torch.int8))
    return scoreboard


def test_figures_by_hand() -> None:
    quality = board(1, 3, 10, 11, 20, MISSED, MISSED, NOT_SCORED).quality
    assert quality.scored == 7
    assert quality.hit_rate_20 == round(5 / 7, 4)
    assert quality.mrr_20 == round((1 + 1 / 3 + 1 / 10 + 1 / 11 + 1 / 20) / 7, 4)
    assert quality.ndcg_10 == round((1 + 1 / math.log2(4) + 1 / math.log2(11)) / 7, 4)


def test_nothing_scored_is_all_zero() -> None:
    for scoreboard in (Scoreboard(), board(NOT_SCORED, NOT_SCORED)):
        assert tuple(getattr(scoreboard.quality, name) for name in scoreboard.quality.__struct_fields__) == (
            0,
            0,
            0,
            0,
        )


@given(st.lists(st.lists(st.integers(NOT_SCORED, K), max_size=30), max_size=5))
def test_figures_are_those_of_all_events_however_they_are_batched(batches: list[list[int]]) -> None:
    scoreboard, scored = Scoreboard(), [rank for batch in batches for rank in batch if rank != NOT_SCORED]
    for batch in batches:
        scoreboard.update_many(torch.tensor(batch, dtype=torch.int8))
    expected, found = figures(scored), scoreboard.quality
    assert found.scored == expected.scored
    assert found.hit_rate_20 == pytest.approx(expected.hit_rate_20, abs=1e-4)
    assert found.mrr_20 == pytest.approx(expected.mrr_20, abs=1e-4)
    assert found.ndcg_10 == pytest.approx(expected.ndcg_10, abs=1e-4)


@given(
    st.lists(st.tuples(st.integers(1, 30), st.permutations(range(1, 26)).map(lambda p: p[:K])), max_size=9)
)
def test_a_rank_is_the_place_in_the_list(pairs: list[tuple[int, list[int]]]) -> None:
    target = torch.tensor([wanted for wanted, _ in pairs], dtype=torch.int64)
    items = torch.tensor([ranking for _, ranking in pairs], dtype=torch.int64).reshape(-1, K)
    expected = [ranking.index(wanted) + 1 if wanted in ranking else MISSED for wanted, ranking in pairs]
    assert rank_of(target, items).tolist() == expected


@given(
    st.lists(
        st.tuples(st.integers(1, 25), st.permutations(range(1, 26)), st.integers(0, K)),
        min_size=1,
        max_size=9,
    )
)
def test_figures_agree_with_those_of_an_independent_library(
    tests: list[tuple[int, list[int], int]],
) -> None:
    served = torch.zeros(len(tests), K, dtype=torch.int64)  # 0 where a list is short
    for line, (_, ranking, length) in enumerate(tests):
        served[line, :length] = torch.tensor(ranking[:length])
    ranks = rank_of(torch.tensor([wanted for wanted, _, _ in tests]), served)
    relevant = [Qrel(str(query), str(wanted), 1) for query, (wanted, _, _) in enumerate(tests)]
    run = [
        ScoredDoc(str(query), str(item), -place)
        for query, (_, ranking, length) in enumerate(tests)
        for place, item in enumerate(ranking[:length])
    ]
    measures = {"hit_rate_20": Success @ 20, "mrr_20": RR @ 20, "ndcg_10": nDCG @ 10}
    expected, found = calc_aggregate(measures.values(), relevant, run), board(*ranks.tolist()).quality
    for name, measure in measures.items():
        assert getattr(found, name) == pytest.approx(expected[measure], abs=5.1e-5)  # found has four places


def rees46() -> list[Event]:
    return [record for record in read_log(open_log(REES46), Reading()) if isinstance(record, Event)]


def examples_from(events: list[Event], profiles: Profiles, recommender: Recommender) -> Examples:
    """Return the examples of a batch by the steps of an agent, without Kafka."""
    batch = Batch.of(events)
    seen = fold(profiles, batch, HISTORY)
    banned = torch.from_numpy(batch.item[seen.kept][:, None])
    ranked = Ranked.of(recommender.predict_many(Context.of(*seen.after), banned, K))
    served, who = served_before(profiles, seen, ranked), profiles.pseudonym[seen.user_row]
    examples = examples_of(batch, seen, served, who)
    profiles.serve(seen.user_row, ranked.items)
    return examples


def test_baselines_on_a_real_log_agree_with_the_oracle_and_the_published_figures() -> None:
    events = rees46()
    profiles, recommender = (
        Profiles(sorted({event.user_id for event in events})),
        Recommender(Stock(100_000, CPU), 0),
    )
    for start in range(0, len(events), BATCH):
        examples = examples_from(events[start : start + BATCH], profiles, recommender)
        for step in examples.steps(STEP):
            recommender.test_many(step)
            recommender.learn_many(step)
    for name, expected in plain_scores(events).items():
        found = recommender.quality[name]
        assert found.scored == expected.scored == 8_643
        assert found.hit_rate_20 == pytest.approx(expected.hit_rate_20, abs=NEAR)
        assert found.mrr_20 == pytest.approx(expected.mrr_20, abs=NEAR)
        assert found.ndcg_10 == pytest.approx(expected.ndcg_10, abs=NEAR)
        assert found.hit_rate_20 == pytest.approx(PUBLISHED[name], abs=NEAR)
    # The product is ahead of what it falls back on.
    assert recommender.quality[PRODUCT].scored == 8_643
    assert recommender.quality[PRODUCT].hit_rate_20 > recommender.quality["rep"].hit_rate_20 + 0.01
