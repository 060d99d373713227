"""Laws of the monitor: each signal hears its own trouble, and nothing where all is well."""

from collections import Counter

import numpy as np
import pytest
import torch
from lessons import contexts

from models.batch import CODE_OF
from models.events import Action
from models.examples import Examples
from models.monitor import SIGNALS, Foretold, Monitor

CPU = torch.device("cpu")
START_MS = 1_704_067_200_000
STEP = 64
# A made-up shop of 64 events a minute and a half: 4 events a second and a bit.
STEP_MS = 90_000
CODES = [CODE_OF[action] for action in (Action.VIEW_ITEM, Action.ADD_TO_CART, Action.PURCHASE)]


def step(number: int, rng: np.random.Generator, missed: dict[str, float]) -> Examples:
    """Return a step of views, carts and orders; ``missed`` is the chance of a miss of each."""
    kind = rng.integers(0, 3, STEP)
    chance = np.array([missed[name] for name in ("views", "carts", "orders")])[kind]
    rank = np.where(rng.random(STEP) < chance, 0, 1)
    return Examples(
        context=contexts(STEP, 0, CPU),
        item=torch.arange(1, STEP + 1),
        action=torch.tensor([CODES[of] for of in kind], dtype=torch.uint8),
        ts=torch.full((STEP,), START_MS + number * STEP_MS),
        rank=torch.from_numpy(rank).to(torch.int8),
        who=torch.arange(STEP),
    )


def heard(trouble: dict[str, float], steps: int = 1_500) -> Counter[str]:
    """Return the alarms of a monitor that is well for long, and then meets a trouble."""
    rng, monitor = np.random.default_rng(1), Monitor()
    raised: list[str] = []
    for number in range(2 * steps):
        now = trouble if number >= steps else {}
        usual = dict.fromkeys(("views", "carts", "orders"), 0.3)
        examples = step(number, rng, usual | {name: now[name] for name in usual.keys() & now.keys()})
        monitor.test_many(examples, torch.full((STEP,), now.get("share", 0.01)))
        came = int(rng.binomial(STEP, now.get("rate", 0.05)))
        monitor.learn_many(Foretold(torch.full((STEP,), now.get("chance", 0.05)), came))
        raised += [alarm.signal for alarm in monitor.take_alarms()]
    return Counter(raised)


def test_nothing_is_heard_where_all_is_well() -> None:
    assert heard({}) == Counter()


@pytest.mark.parametrize(
    ("trouble", "signal"),
    [
        ({"views": 0.5}, "missed_views"),
        ({"carts": 0.5}, "missed_carts"),
        ({"orders": 0.5}, "missed_orders"),
        ({"rate": 0.5}, "carts_foretold_too_few"),
        ({"chance": 0.5}, "carts_foretold_too_many"),
        ({"share": 0.0002}, "unusual_items"),
    ],
)
def test_each_trouble_is_heard_once_by_its_own_signal(trouble: dict[str, float], signal: str) -> None:
    assert heard(trouble) == Counter({signal: 1})


def test_better_news_is_no_trouble() -> None:
    assert heard({"views": 0.1, "carts": 0.1, "orders": 0.1, "share": 0.1}) == Counter()


def test_a_late_event_or_a_wrong_clock_in_every_step_changes_nothing() -> None:
    monitors = Monitor(), Monitor()
    for number in range(200):
        for off, monitor in zip((0, 30 * 3_600_000), monitors, strict=True):
            rng = np.random.default_rng(number)
            examples = step(number, rng, {"views": 0.3, "carts": 0.3, "orders": 0.3})
            ts = examples.ts.clone()
            ts[0], ts[1] = ts[0] - off, ts[1] + off
            monitor.test_many(examples._replace(ts=ts), torch.full((STEP,), 0.01))
    assert monitors[0].state == monitors[1].state


def test_who_goes_on_from_a_state_knows_the_same() -> None:
    rng, first, second = np.random.default_rng(2), Monitor(), Monitor()
    for number in range(300):
        examples = step(number, rng, {"views": 0.3, "carts": 0.3, "orders": 0.3})
        first.test_many(examples, torch.full((STEP,), 0.01))
        first.learn_many(Foretold(torch.full((STEP,), 0.05), 3))
    second.restore(first.state)
    assert second.state == first.state
    assert second.levels == first.levels
    assert second.levels.keys() == set(SIGNALS)


def test_what_is_learnt_again_is_told_once() -> None:
    """As after a promotion: the examples since the successor's place teach it, and were tested before."""
    rng, once, again = np.random.default_rng(6), Monitor(), Monitor()
    foretold = Foretold(torch.full((STEP,), 0.05), 3)
    never = Monitor()
    never.learn_many(foretold)
    assert never.state == Monitor().state
    for number in range(40):
        examples = step(number, rng, {"views": 0.3, "carts": 0.3, "orders": 0.3})
        for monitor in (once, again):
            monitor.test_many(examples, torch.full((STEP,), 0.01))
            monitor.learn_many(foretold)
        again.learn_many(foretold)
    assert again.state == once.state


def test_what_is_foretold_by_no_number_is_passed_over_and_the_next_rise_is_heard() -> None:
    monitor, rng = Monitor(), np.random.default_rng(8)
    for number in range(600):
        examples = step(number, rng, {"views": 0.3, "carts": 0.3, "orders": 0.3})
        monitor.test_many(examples, torch.full((STEP,), 0.01))
        chances = torch.full((STEP,), torch.nan if number == 200 else 0.05)
        monitor.learn_many(Foretold(chances, int(rng.binomial(STEP, 0.05 if number < 400 else 0.5))))
    assert "carts_foretold_too_few" in {alarm.signal for alarm in monitor.take_alarms()}


def test_the_window_of_an_alarm_is_in_examples() -> None:
    """Every third example is a cart here: the 2,560 carts at least of an alarm are among 7,680 examples."""
    monitor, rng, raised = Monitor(), np.random.default_rng(9), []
    for number in range(1_200):
        examples = step(number, rng, {"views": 0.3, "carts": 0.3 if number < 700 else 0.7, "orders": 0.3})
        monitor.test_many(examples, torch.full((STEP,), 0.01))
        raised += monitor.take_alarms()
    (alarm,) = [one for one in raised if one.signal == "missed_carts"]
    assert alarm.window > 0.95 * 3 * 2_560
