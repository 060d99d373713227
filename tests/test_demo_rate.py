"""The demo's rate: against workers that are made up, whose speed is known."""

import random
from collections.abc import Iterator

import pytest

from stream.demo_lag import LagMeter
from stream.demo_rate import RateControl

_TICK = 0.01
_LOOK = 0.25
_BATCH = 512


def _looks(
    batch_seconds: float, event_seconds: float, stalls: float, control: RateControl
) -> Iterator[tuple[float, RateControl, int]]:
    """Yield seconds, control and events learnt, a look each, of a worker that takes up to 512 at a time."""
    chance = random.Random(7)  # noqa: S311 - made-up stalls, no secrets
    now = sent = free_at = 0.0
    learnt = in_hand = tick = 0
    while True:
        now, sent, tick = now + _TICK, sent + control.rate * _TICK, tick + 1
        if now >= free_at:
            learnt += in_hand
            in_hand = min(_BATCH, int(sent) - learnt)
            stall = chance.uniform(0.0, 0.5) if chance.random() < stalls else 0.0
            free_at = now + stall + (batch_seconds + event_seconds * in_hand if in_hand else 0.0)
        if tick % round(_LOOK / _TICK) == 0:
            control.look(now, int(sent), learnt)
            yield now, control, learnt


@pytest.mark.parametrize("stalls", [0.0, 0.01], ids=["steady", "stalling"])
@pytest.mark.parametrize(
    ("batch_seconds", "event_seconds"), [(0.005, 0.0002), (0.02, 0.0005), (0.1, 0.0005), (0.05, 0.002)]
)
def test_a_worker_is_used_well_and_never_two_seconds_behind(
    batch_seconds: float, event_seconds: float, stalls: float
) -> None:
    most = _BATCH / (batch_seconds + event_seconds * _BATCH)
    learnt_at: dict[int, int] = {}
    for now, control, learnt in _looks(batch_seconds, event_seconds, stalls, RateControl()):
        learnt_at[round(now)] = learnt
        if now > 20:  # by then it has found the rate
            assert control.lag < 2.0
        if now > 120:
            break
    assert (learnt_at[120] - learnt_at[20]) / 100 > 0.4 * most


@pytest.mark.parametrize(("batch_seconds", "event_seconds"), [(0.02, 0.0005), (0.1, 0.0002)])
def test_few_wait_where_few_may(batch_seconds: float, event_seconds: float) -> None:
    """With at most 64 waiting, a worker of t seconds a batch takes about 64 / t events a second."""
    control, waiting, learnt_at = RateControl(most_waiting=64), [], {}
    for now, _, learnt in _looks(batch_seconds, event_seconds, 0.0, control):
        learnt_at[round(now)] = learnt
        if now > 60:
            break
        if now > 20:
            waiting.append(control.rate * control.lag)
    assert sorted(waiting)[len(waiting) // 2] < 3 * 64  # on its way and in the batch under work as well
    assert control.rate > 250
    assert (learnt_at[60] - learnt_at[20]) / 40 > 0.3 * 64 / (batch_seconds + 64 * event_seconds)


def test_the_rate_stays_below_what_is_allowed() -> None:
    control = RateControl(most=300.0)
    rates = set()
    for look in range(400):
        control.look(_LOOK * look, sent=80 * look, learnt=max(0, 80 * look - 10))
        rates.add(control.rate)
    assert max(rates) == 300.0


def test_until_the_first_lesson_little_is_sent() -> None:
    control = RateControl()
    for look in range(20):
        control.look(_LOOK * look, sent=12 * look, learnt=0)
    assert control.rate == 50.0
    control.look(5.0, sent=250, learnt=10)
    assert control.rate == 500.0


def _kept_up(control: RateControl, looks: int) -> int:
    """Let a worker keep up for so many looks; return the events sent."""
    sent = 0
    for look in range(looks):
        control.look(_LOOK * look, sent, learnt=sent)
        sent += round(_LOOK * control.rate)
    return sent


def test_the_rate_of_a_worker_that_keeps_up_rises_ever_on() -> None:
    control = RateControl()
    _kept_up(control, 120)
    assert control.rate > 50_000


@pytest.mark.parametrize(("still", "least", "most"), [(3, 1.0, 1.0), (7, 0.49, 0.76), (11, 0.24, 0.38)])
def test_a_standstill_costs_the_rate_by_its_length(still: int, least: float, most: float) -> None:
    control = RateControl()
    sent = learnt = _kept_up(control, 60)
    before = control.rate
    for look in range(60, 60 + still):
        sent += round(_LOOK * control.rate)
        control.look(_LOOK * look, sent, learnt)
    assert least * before <= control.rate <= most * before * 1.07  # it may have risen once before it fell


def test_the_lag_is_the_age_of_the_oldest_that_waits() -> None:
    meter = LagMeter()
    for second in range(10):
        meter.look(float(second), sent=100 * second, learnt=max(0, 100 * second - 250))
    assert meter.lag == pytest.approx(2.5)
    assert meter.speed == pytest.approx(100.0)


def test_there_is_no_lag_where_nothing_waits() -> None:
    meter = LagMeter()
    meter.look(0.0, sent=0, learnt=0)
    assert meter.lag == 0.0
    meter.look(1.0, sent=50, learnt=50)
    assert (meter.lag, meter.speed) == (0.0, 50.0)
