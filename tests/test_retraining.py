"""Laws of retraining: not too soon, not too often, and each decision follows from the state."""

import pytest

from models.challenger import Standing
from models.drift import Alarm
from models.retraining import Retraining
from models.rules import Phase, Rules
from models.schedule import Cause

HOUR_MS = 3_600_000
NOON = 1_704_110_400_000  # of a day in UTC
ENOUGH = 10_000
ALARM = Alarm("missed_views", NOON, 1.0, 2_560, 0.3, 0.4)
BETTER = Standing(500, 0.6, 0.5, 0.01, 1.0)
NARROW, CARELESS = BETTER._replace(coverage=0.1), BETTER._replace(carts=2.1)
UNSURE = BETTER._replace(carts=float("nan"))
WORSE = Standing(500, 0.4, 0.5, -1.0, 0.0)
OPEN = Standing(500, 0.5, 0.5, -1.0, 1.0)


def at(hours: float) -> int:
    return NOON + round(hours * HOUR_MS)


def train(retraining: Retraining, hours: float) -> bool:
    """Return whether an alarm has a challenger trained, which is then let go."""
    if not retraining.wanted(at(hours), ENOUGH, [ALARM]):
        return False
    retraining.began("an alarm", (0, 10), 0)
    retraining.dropped("enough of it")
    return True


def test_an_alarm_has_a_challenger_trained_once_there_is_enough_to_learn_from() -> None:
    retraining = Retraining(Rules())
    assert retraining.wanted(at(0), ENOUGH - 1, [ALARM]) is None
    assert retraining.wanted(at(0), ENOUGH, []) is None
    assert retraining.wanted(at(0), ENOUGH, [ALARM]) == Cause("missed_views rose", 2_560)


def test_an_alarm_that_comes_while_one_is_on_trial_or_rests_waits_and_the_newest_counts() -> None:
    retraining = Retraining(Rules(rest_hours=2.0))
    retraining.wanted(at(0), ENOUGH, [])
    retraining.began("an alarm", (0, 10), 0)
    assert retraining.wanted(at(1), 20_000, [ALARM]) is None
    assert retraining.wanted(at(1.2), 20_100, [ALARM._replace(signal="missed_carts", window=3_000)]) is None
    retraining.judged(WORSE)
    other = Retraining(Rules(rest_hours=2.0))
    other.restore(retraining.state)
    for one in (retraining, other):
        assert one.wanted(at(1.9), 20_500, []) is None
        # 3,000 examples since the change when it was heard, and 900 since then.
        assert one.wanted(at(2), 21_000, []) == Cause("missed_carts rose", 3_900)
        one.began("missed_carts rose", (0, 10), 3_900)
        one.dropped("enough of it")
        assert one.wanted(at(30), 50_000, []) is None


def test_where_none_could_be_trained_alarms_and_the_schedule_rest_all_the_same() -> None:
    retraining = Retraining(Rules(rest_hours=2.0, every_hours=5.0))
    found = []
    for hour in (0, 1, 2, 3, 4, 6, 6.5, 9):
        if cause := retraining.wanted(at(hour), ENOUGH, [ALARM] if hour == 0 else []):
            retraining.failed(cause.reason, "no space left")
            found.append((hour, cause.reason))
    assert found == [(hour, "missed_views rose") for hour in (0, 2, 4, 6, 9)]
    assert retraining.counts == {"retrain-refused": 5}


def test_none_is_trained_while_one_is_on_trial_though_it_is_asked_for() -> None:
    retraining = Retraining(Rules(every_hours=1.0))
    retraining.began("an alarm", (0, 10), 0)
    assert retraining.wanted(at(9), ENOUGH, [ALARM], "asked") is None
    assert retraining.judged(BETTER) is not None
    assert retraining.phase is Phase.PREDECESSOR
    assert retraining.wanted(at(9), ENOUGH, [ALARM], "asked") is None


def test_rest_and_budget_hold_alarms_up_and_no_operator() -> None:
    retraining = Retraining(Rules(rest_hours=2.0, per_day=3))
    trained = [train(retraining, hours) for hours in (0, 1.9, 2, 4, 6, 8, 10, 12)]
    # Three in the day, with two hours between them; at midnight (12) a new day begins.
    assert trained == [True, False, True, True, False, False, False, True]
    assert retraining.wanted(at(12.1), ENOUGH, [], "a new season") == Cause("a new season")


def test_with_a_budget_of_none_no_alarm_has_one_trained() -> None:
    retraining = Retraining(Rules(per_day=0))
    assert not any(train(retraining, hours) for hours in (0, 1, 24, 48))
    assert train(Retraining(Rules(per_day=1)), 0)


def test_a_schedule_counts_from_the_last_one_whatever_it_was_for() -> None:
    retraining = Retraining(Rules(every_hours=5.0))
    hours = (0, 4.9, 5, 5.1, 9, 10.1)
    found = []
    for hour in hours:
        wanted = retraining.wanted(at(hour), ENOUGH, [])
        found.append(bool(wanted))
        if wanted:
            retraining.began(wanted.reason, (0, 10), 0)
            retraining.dropped("enough of it")
    assert found == [False, False, True, False, False, True]


def test_a_clock_that_goes_back_changes_nothing() -> None:
    retraining = Retraining(Rules(rest_hours=2.0))
    assert [train(retraining, hours) for hours in (0, 3, -50, 4.9, 5)] == [True, True, False, False, True]


@pytest.mark.parametrize(
    ("standings", "kinds", "phase"),
    [
        ([OPEN, OPEN], [], Phase.CHALLENGER),
        ([OPEN, WORSE], ["retrain-dropped"], Phase.NOBODY),
        ([Standing(50_000, 0.5, 0.5, -1.0, 1.0)], ["retrain-dropped"], Phase.NOBODY),
        ([BETTER], ["promotion"], Phase.PREDECESSOR),
        ([NARROW], ["retrain-dropped"], Phase.NOBODY),
        ([CARELESS], ["retrain-dropped"], Phase.NOBODY),
        ([UNSURE], ["retrain-dropped"], Phase.NOBODY),
        ([BETTER, CARELESS], ["promotion", "rollback"], Phase.NOBODY),
        ([BETTER, OPEN], ["promotion"], Phase.PREDECESSOR),
        ([BETTER, BETTER], ["promotion", "rollback"], Phase.NOBODY),
        ([BETTER, WORSE], ["promotion", "probation-passed"], Phase.NOBODY),
        (
            [BETTER, Standing(25_000, 0.5, 0.5, -1.0, 1.0, patience=25_000)],
            ["promotion", "probation-passed"],
            Phase.NOBODY,
        ),
    ],
)
def test_what_becomes_of_who_is_on_trial(standings: list[Standing], kinds: list[str], phase: Phase) -> None:
    retraining = Retraining(Rules())
    retraining.wanted(at(0), ENOUGH, [])
    began = retraining.began("an alarm", (0, 10), 0)
    found = [(it, decision) for it in standings if (decision := retraining.judged(it)) is not None]
    decisions = [decision for _, decision in found]
    assert [decision.kind for decision in decisions] == kinds
    assert retraining.phase is phase
    assert retraining.counts == dict.fromkeys((began.kind, *kinds), 1)
    assert all(decision.ts == at(0) for decision in decisions)
    for standing, decision in found:
        assert f"foresaw {standing.hit_rate:.4f} of {standing.pairs:,} events" in decision.reason
        assert decision.details["pairs"] == standing.pairs


def test_who_goes_on_from_a_state_decides_the_same() -> None:
    one, other = (Retraining(Rules(rest_hours=2.0, per_day=2)) for _ in range(2))
    train(one, 0)
    train(one, 2)
    other.restore(one.state)
    assert other.state == one.state
    assert [train(it, hours) for it in (one, other) for hours in (3, 5, 12)] == [False, False, True] * 2
    one.began("an alarm", (0, 10), 0)
    one.judged(BETTER)
    other.restore(one.state)
    assert other.judged(BETTER) == one.judged(BETTER)


def test_what_is_asked_for_and_not_done_is_told_with_the_reason() -> None:
    retraining = Retraining(Rules())

    def told(learnt: int) -> str:
        return retraining.refused("a new season", learnt).reason

    assert told(12) == "'a new season' is not done: only 12 examples were learnt"
    assert told(ENOUGH) == "'a new season' is not done: retraining is off"
    retraining.began("an alarm", (0, 10), 0)
    assert told(ENOUGH) == "'a new season' is not done: challenger 1 is on trial"
    assert retraining.phase is Phase.CHALLENGER
