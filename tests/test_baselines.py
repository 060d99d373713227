"""Laws of every baseline that is asked and taught event by event, the slow ones too."""

import json
import random
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from lessons import examples

from models.baselines import BASELINES
from models.examples import Examples
from models.metrics import NOT_SCORED
from models.rivals import Rival, Rivals
from stream.cli_evaluate import evaluate

K = 20
PAIRS = 5
ALL = pytest.mark.parametrize("name", BASELINES["all"])


class Recorded:
    """A rival that notes what it listed."""

    def __init__(self, rival: Rival) -> None:
        self._rival = rival
        self.lists: list[list[int]] = []

    def rank(self, who: int, history: Sequence[int], k: int) -> list[int]:
        self.lists.append(self._rival.rank(who, history, k))
        return list(self.lists[-1])

    def learn(self, who: int, history: Sequence[int], item: int, ts: int) -> None:
        self._rival.learn(who, history, item, ts)


def lesson(events: Sequence[tuple[int, int]]) -> Examples:
    """Return events of users, with items; all but each user's first are scored."""
    who, item = (torch.tensor(column) for column in zip(*events, strict=True))
    firsts = {user: place for place, user in reversed(list(enumerate(who.tolist())))}
    rank = torch.zeros(len(events), dtype=torch.int8)
    rank[list(firsts.values())] = NOT_SCORED
    return examples(len(events), 0, torch.device("cpu"))._replace(who=who, item=item, rank=rank)


def pairs(users: int, rounds: int, seed: int) -> list[tuple[int, int]]:
    """Return the events of users, who each see one of the items 1 to 5 and then that plus 100, in turn."""
    draw = random.Random(seed)  # noqa: S311 - any reproducible draw will do
    waiting = {who: draw.randint(1, PAIRS) for who in range(1, users + 1)}
    seen: dict[int, int] = defaultdict(int)
    events = []
    while waiting:
        who = draw.choice(list(waiting))
        events.append((who, waiting[who] + 100 * (seen[who] % 2)))
        seen[who] += 1
        if seen[who] == 2 * rounds:
            del waiting[who]
    return events


def learnt(name: str, events: Sequence[tuple[int, int]]) -> Recorded:
    rival = Recorded(BASELINES["all"][name]())
    Rivals({name: rival}).test_and_learn(lesson(events), [])
    return rival


@ALL
@pytest.mark.parametrize("seed", range(3))
def test_what_always_follows_an_item_is_found(name: str, seed: int) -> None:
    events = pairs(20, 12, seed)
    rivals = Rivals({name: BASELINES["all"][name]()})
    rivals.test_and_learn(lesson(events[:400]), [])
    before = rivals.ranks[name]
    rivals.test_and_learn(lesson(events[400:]), [])
    places = [after - so_far for so_far, after in zip(before, rivals.ranks[name], strict=True)]
    assert places[1] >= 0.95 * sum(places) > 0


@ALL
def test_what_comes_later_changes_no_list(name: str) -> None:
    events = pairs(20, 5, 0)
    past, future = events[:130], events[130:]
    shuffled = random.Random(1).sample(future, len(future))  # noqa: S311 - likewise
    known = learnt(name, past).lists
    assert any(known)
    for later in (future, shuffled):
        assert learnt(name, past + later).lists[: len(known)] == known


@ALL
def test_a_list_holds_met_items_once_and_not_the_latest(name: str) -> None:
    draw = random.Random(2)  # noqa: S311 - likewise
    rival = learnt(name, [(draw.randint(1, 9), draw.randint(1, 60)) for _ in range(300)])
    rival.learn(50, [], 999, 0)
    for history in ([7], [1, 2, 3], list(range(1, 60)), [999], [999, 7]):
        listed = rival.rank(50, history, K)
        assert len(listed) == len(set(listed)) <= K
        assert history[-1] not in listed
        assert set(listed) <= {*range(1, 61), 999}


def small_log(file: Path) -> Path:
    rows = [f"{ts},u{who},i{item},view" for ts, (who, item) in enumerate(pairs(20, 5, 0), 1000)]
    file.write_text("\n".join(["ts,user,item,event", *rows]) + "\n", encoding="utf-8")
    return file


def test_the_command_scores_all_of_them_on_the_same_events(tmp_path: Path) -> None:
    file, log = tmp_path / "report.json", small_log(tmp_path / "shop.csv")
    arguments = [str(log), "--baselines", "all", "--json", str(file)]
    result = CliRunner().invoke(evaluate, arguments, env={"HEADRACE_DEVICE": "cpu"})
    assert result.exit_code == 0, result.output
    quality = json.loads(file.read_bytes())["quality"]
    assert quality.keys() == {"headrace", "pop", "rep", *BASELINES["all"]}
    assert {figures["scored"] for figures in quality.values()} == {180}


def test_without_implicit_it_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "implicit.cpu.als", None)
    log = str(small_log(tmp_path / "shop.csv"))
    result = CliRunner().invoke(evaluate, [log, "--baselines", "all"], env={"HEADRACE_DEVICE": "cpu"})
    assert result.exit_code == 1
    assert result.output.splitlines()[-1] == "Error: implicit is not installed: pip install headrace[peers]"
