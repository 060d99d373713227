"""Evaluation: what it counts and scores, against slow oracles of the contract, and its command."""

import csv
import gzip
import heapq
import json
import math
import random
from collections import defaultdict
from collections.abc import Iterable
from contextlib import closing
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner, Result

from models.answers import Ranked
from models.batch import Floats
from models.catalog import News
from models.context import Context
from models.conversions import VIEW
from models.events import Action, Event, Item
from models.examples import Examples
from models.fingerprint import fingerprints
from models.folds import folds_of
from models.metrics import Quality, Scoreboard
from models.sources import SOURCES
from producers.bundled import ONLINE_RETAIL, REES46
from producers.logs import open_log, read_log
from producers.reading import Reading
from stream.brain import Brain
from stream.cli_evaluate import evaluate
from stream.evaluation import Evaluation, Standing
from stream.settings import Settings

K = 20
NOW = 1_700_000_000_000
# What the fixed recommender always recommends, but for the item just acted on.
FIXED = [f"i{n}" for n in range(30)]


class Tally:
    """The contract's figures, one event at a time."""

    def __init__(self) -> None:
        self.ranks: list[int] = []

    def score(self, item: str, served: list[str]) -> None:
        self.ranks.append(served.index(item) + 1 if item in served[:K] else 0)

    @property
    def quality(self) -> Quality:
        hits, count = [rank for rank in self.ranks if rank], max(len(self.ranks), 1)
        gains = (1 / math.log2(rank + 1) for rank in hits if rank <= 10)
        means = (sum(parts) / count for parts in ([1] * len(hits), (1 / rank for rank in hits), gains))
        return Quality(*(round(mean, 4) for mean in means), len(self.ranks))


class FixedBrain:
    """Recommends the same to everybody, and learns nothing."""

    def __init__(self) -> None:
        self._board = Scoreboard()
        self._views = 0

    @property
    def recommender(self) -> SimpleNamespace:
        exam = SimpleNamespace(ranks={"fixed": self._board.counts})
        return SimpleNamespace(quality={"fixed": self._board.quality}, exam=exam)

    async def rank(self, context: Context, banned: Any) -> Ranked:
        keys = fingerprints(FIXED)
        lines = [keys[~np.isin(keys, line)][:K] for line in banned[: len(context.items)]]
        items = np.array(lines, dtype=np.int64).reshape(-1, K)
        return Ranked(items, np.ones(items.shape, np.float32), np.zeros(items.shape, np.uint8))

    async def foretold(self) -> Floats:
        return np.full((2, self._views), 0.5, np.float32)

    async def test_and_learn(self, examples: Examples) -> float:
        self._board.update_many(examples.rank)
        self._views = int((examples.action == VIEW).sum())
        return 0.0

    async def restock(self, news: News) -> None:
        self.stocked = [item.item_id for item in news.described]


def _made_up_events(count: int) -> list[Event]:
    """Return events of all actions in the order of their times, some of them sent twice."""
    draw, actions = random.Random(5), list(Action)  # noqa: S311 - any reproducible draw will do
    events: list[Event] = []
    for ts in range(1, count + 1):
        if events and draw.random() < 0.1:
            events.append(draw.choice(events))
            continue
        user, item = f"u{draw.randrange(12)}", f"i{int(60 * draw.random() ** 2)}"
        events.append(Event(event_id=f"e{ts}", event=draw.choice(actions), ts=ts, user_id=user, item_id=item))
    return events


def _fixed_oracle(events: Iterable[Event]) -> Quality:
    """Return what the contract says of recommending FIXED after each event."""
    tally, seen = Tally(), set()
    latest: dict[str, str] = {}
    served: dict[str, list[str]] = {}
    for event in events:
        if event.event_id in seen:
            continue
        seen.add(event.event_id)
        user, item = event.user_id, event.item_id
        if event.event not in ("refund", "remove_from_cart"):
            if user in latest and latest[user] != item:
                tally.score(item, served[user])
            latest[user] = item
        served[user] = [other for other in FIXED if other != item][:K]
    return tally.quality


@pytest.mark.parametrize("batch", [1, 7, 64, 512])
def test_scores_are_the_contracts_whatever_the_batch(batch: int) -> None:
    events = _made_up_events(600)
    curve = Evaluation(FixedBrain(), Settings(batch=batch), NOW).run(events)
    assert curve[-1].quality["fixed"] == _fixed_oracle(events)
    distinct = len({event.event_id for event in events})
    assert (curve[-1].usable, curve[-1].duplicates) == (distinct, len(events) - distinct)
    assert [standing.events for standing in curve] == [*range(batch, len(events), batch), len(events)]


class SlowPopularity:
    """Decayed popularity, half-life 20,000 events, sorted anew every 50, without the item just acted on."""

    def __init__(self) -> None:
        self._mass: dict[str, float] = defaultdict(float)
        self._events = 0
        self._best: list[str] = []

    def learn(self, item: str) -> None:
        self._mass[item] += 2 ** (self._events / 20_000)
        self._events += 1
        if self._events % 50 == 1:
            self._best = heapq.nlargest(K + 1, self._mass, key=self._mass.__getitem__)

    def ranking(self, last: str) -> list[str]:
        return [item for item in self._best if item != last][:K]


def _slow_baselines(count: int) -> dict[str, Quality]:
    """Return the figures of pop and rep over the first rows of the bundled log, read on their own."""
    popularity, pop, rep = SlowPopularity(), Tally(), Tally()
    visits: dict[str, list[str]] = defaultdict(list)
    with gzip.open(REES46, "rt", encoding="utf-8", newline="") as file:
        for row in islice(csv.DictReader(file), count):
            item, visited = row["item"], visits[row["user"]]
            if row["event"] in ("refund", "remove_from_cart"):
                continue
            if visited and visited[-1] != item:
                popular = popularity.ranking(visited[-1])
                recent = dict.fromkeys(i for i in reversed(visited[:-1]) if i != visited[-1])
                pop.score(item, popular)
                rep.score(item, list(dict.fromkeys([*recent, *popular]))[:K])
            popularity.learn(item)
            visited.append(item)
    return {"pop": pop.quality, "rep": rep.quality}


def _run_bundled(count: int, settings: Settings) -> list[Standing]:
    records, events = [], 0
    for record in read_log(open_log(REES46), Reading()):
        events += isinstance(record, Event)
        if events > count:
            break
        records.append(record)
    with closing(Brain(settings)) as brain:
        return Evaluation(brain, settings, NOW).run(records)


def test_baselines_agree_with_a_slow_oracle_on_the_bundled_log() -> None:
    last = _run_bundled(5000, Settings(device="cpu"))[-1]
    for name, wanted in _slow_baselines(5000).items():
        found = last.quality[name]
        assert found.scored == wanted.scored
        assert found.hit_rate_20 == pytest.approx(wanted.hit_rate_20, abs=0.005)
        assert found.mrr_20 == pytest.approx(wanted.mrr_20, abs=0.005)
        assert found.ndcg_10 == pytest.approx(wanted.ndcg_10, abs=0.005)


def test_a_seed_gives_the_same_figures_again_and_another_seed_gives_others() -> None:
    first, again, other = (_run_bundled(2500, Settings(device="cpu", seed=seed)) for seed in (3, 3, 4))
    assert first == again
    assert first != other


def _view(number: int, user: str, ts: int = 7) -> Event:
    return Event(event_id=f"e{number}", event=Action.VIEW_ITEM, ts=ts, user_id=user, item_id=f"i{number}")


def test_a_time_far_ahead_of_the_clock_is_a_dead_letter_and_the_rest_goes_on() -> None:
    far = NOW + 2 * 86_400_000
    events = [_view(1, "u", far), _view(2, "u", far), _view(3, "u"), _view(4, "u", far), _view(5, "u")]
    last = Evaluation(FixedBrain(), Settings(batch=2), NOW).run(events)[-1]
    assert (last.events, last.usable, last.dead_letters) == (5, 2, 3)
    assert last.quality["fixed"].scored == 1


def test_items_are_no_events_and_are_known_from_where_they_stand() -> None:
    brain = FixedBrain()
    evaluation = Evaluation(brain, Settings(batch=4), NOW)
    known: list[int] = []
    item = Item(item_id="i2", ts=7, brand="acme")
    curve = evaluation.run(
        [_view(1, "u"), item, _view(2, "u")], lambda _: known.append(len(evaluation._catalog))
    )
    assert (curve[-1].events, known, brain.stocked) == (2, [1], ["i2"])


def _log(file: Path, rows: Iterable[str]) -> Path:
    file.write_text("\n".join(["ts,user,item,event", *rows]) + "\n", encoding="utf-8")
    return file


def _small_log(file: Path) -> Path:
    """Write a log of 40 events, and a bad row at line 12."""
    rows = [f"{1000 + n},u{n % 4},i{n % 7},view" for n in range(40)]
    rows.insert(10, "no time,u1,i1,view")
    return _log(file, rows)


def _invoke(*arguments: str | Path, **settings: str) -> Result:
    environment = {"HEADRACE_DEVICE": "cpu", **settings}
    return CliRunner().invoke(evaluate, [str(argument) for argument in arguments], env=environment)


def test_without_any_scorer_there_is_nothing_to_evaluate(tmp_path: Path) -> None:
    result = _invoke(_small_log(tmp_path / "shop.csv"), *(f"--without={name}" for name in SOURCES))
    assert result.exit_code == 2
    assert "leave at least one" in result.output


def test_a_log_of_the_future_says_why_nothing_came_of_it(tmp_path: Path) -> None:
    result = _invoke(_log(tmp_path / "shop.csv", ["9999999999999,u,i,view"]), "--baselines", "fast")
    assert result.exit_code == 0
    assert "the first dead letter: ts" in result.output
    assert "No event was scored" in result.output
    assert "0.0000" not in result.output


def test_one_log_writes_its_report_and_tells_of_bad_rows(tmp_path: Path) -> None:
    log, file = _small_log(tmp_path / "shop.csv"), tmp_path / "report.json"
    result = _invoke(log, "--json", file, "--batch", "8")
    assert result.exit_code == 0, result.output
    report = json.loads(file.read_bytes())
    counts = {
        name: report[name] for name in ("events", "usable", "duplicates", "recommendations", "bad_rows")
    }
    assert counts == {"events": 40, "usable": 40, "duplicates": 0, "recommendations": 40, "bad_rows": 1}
    assert report["events_per_second"] == pytest.approx(40 / report["seconds"], rel=0.05)
    assert report["quality"].keys() == {"headrace", "pop", "rep", "sr", "vmis", "biased_mf"}
    assert report["quality"]["headrace"].keys() == set(Quality.__struct_fields__)
    scored = report["quality"]["headrace"]["scored"]
    assert report["segments"]["view_item"]["scored"] == scored > 0
    assert "Headrace by kind of event" in result.output
    low, high = report["intervals"]["hit_rate_20"]
    assert 0 <= low <= report["quality"]["headrace"]["hit_rate_20"] <= high <= 1
    assert (report["rows"], report["latency_ms"]) == (7, None)
    assert "1 bad rows" in result.output
    assert "shop.csv, line 12:" in result.output
    assert all(name in result.output for name in ("Headrace", "hit rate at 20", "scored", "events/s"))


def test_slices_are_scored_by_what_was_learnt_before_them() -> None:
    events = _made_up_events(300)
    curve = Evaluation(FixedBrain(), Settings(batch=1), NOW).run(events)
    slices = folds_of([standing.ranks for standing in curve], 4)["fixed"].slices
    # The first slices are what an evaluation says that ended there.
    for number in range(1, 4):
        until = sum(part.scored for part in slices[:number])
        stop = next(
            place for place, standing in enumerate(curve) if standing.quality["fixed"].scored == until
        )
        oracle = _fixed_oracle(events[: stop + 1])
        hits = sum(part.hit_rate_20 * part.scored for part in slices[:number])
        assert hits == pytest.approx(oracle.hit_rate_20 * oracle.scored, abs=0.05)
        assert oracle.scored == until
    assert {part.scored for part in slices} <= {
        curve[-1].quality["fixed"].scored // 4 + more for more in (0, 1)
    }


def test_the_command_tells_of_slices_of_every_model(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    result = _invoke(REES46, "--json", file, "--limit", "600", "--folds", "3", "--batch", "8")
    assert result.exit_code == 0, result.output
    report = json.loads(file.read_bytes())
    assert report["folds"].keys() == report["quality"].keys()
    for name, of in report["folds"].items():
        assert len(of["slices"]) == 3
        for figure in ("hit_rate_20", "mrr_20", "ndcg_10"):
            whole = sum(part[figure] * part["scored"] for part in of["slices"])
            quality = report["quality"][name]
            assert whole == pytest.approx(quality[figure] * quality["scored"], abs=1e-4 * quality["scored"])
    assert "mean and spread of 3 slices" in result.output
    assert "±" in result.output


def test_a_log_with_carts_and_purchases_says_how_well_they_were_foretold(tmp_path: Path) -> None:
    log, file = tmp_path / "shop.csv", tmp_path / "report.json"
    rows = [f"{1000 + n},u{n % 4},i{n % 7},view" for n in range(40)]
    rows += [f"{1050 + n},u{n},i{n},buy" for n in range(4)]
    result = _invoke(_log(log, rows), "--json", file, "--baselines", "fast")
    assert result.exit_code == 0, result.output
    report = json.loads(file.read_bytes())
    # Of the 40 views 28 are each the latest of its user and item, which alone may still lead to something.
    assert report["open_views"] == 28
    assert report["behaviour"].keys() == {"cart", "purchase"}
    for figures in report["behaviour"].values():
        assert (figures["scored"], figures["positives"]) == (40, 4)
    assert "AUC" in result.output
    assert "AUC" not in _invoke(_small_log(tmp_path / "views.csv")).output


def _figures(folder: Path, log: Path, *options: str) -> dict[str, float]:
    file = folder / "report.json"
    result = _invoke(log, "--json", file, "--limit", "3000", "--baselines", "fast", *options)
    assert result.exit_code == 0, result.output
    figures: dict[str, float] = json.loads(file.read_bytes())["quality"]["headrace"]
    return figures


@pytest.mark.parametrize(
    ("log", "parts"), [(REES46, ["content"]), (ONLINE_RETAIL, ["transitions", "recent"])]
)
def test_what_is_left_out_is_missed(log: Path, parts: list[str], tmp_path: Path) -> None:
    whole = _figures(tmp_path, log)
    for part in parts:
        assert _figures(tmp_path, log, "--without", part)["mrr_20"] < whole["mrr_20"]


def test_several_logs_write_a_report_each_and_one_picture(tmp_path: Path) -> None:
    logs = [_small_log(tmp_path / f"{name}.csv") for name in ("north", "south")]
    file, picture = tmp_path / "report.json", tmp_path / "curves.png"
    result = _invoke(*logs, "--json", file, "--plot", picture, "--limit", "25", "--batch", "8")
    assert result.exit_code == 0, result.output
    reports = json.loads(file.read_bytes())
    assert {name: report["events"] for name, report in reports.items()} == {"north": 25, "south": 25}
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_the_command_gives_what_the_evaluation_gives(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    arguments = ("--json", file, "--limit", "1500", "--baselines", "fast")
    assert _invoke(REES46, *arguments, HEADRACE_SEED="3").exit_code == 0
    last = _run_bundled(1500, Settings(device="cpu", seed=3, batch=64))[-1]
    assert json.loads(file.read_bytes())["quality"] == msgspec.to_builtins(last.quality)


@pytest.mark.parametrize(
    ("arguments", "settings", "status", "said"),
    [
        (["none.csv"], {}, 2, "none.csv"),
        (["{log}", "{log}"], {}, 2, "both be reported as 'shop'"),
        (["{log}", "--plot", "{log}.jpg"], {}, 2, "must end in .png"),
        (["{log}", "--json", "nowhere/report.json"], {}, 2, "no folder 'nowhere'"),
        (["{log}", "--limit", "0"], {}, 2, "--limit"),
        (["{log}", "--folds", "1"], {}, 2, "--folds"),
        (["{log}", "--folds", "3"], {}, 1, "1 batches with scored events are too few for 3 folds"),
        (["{empty}"], {}, 1, "holds no usable row"),
        (["{log}"], {"HEADRACE_TOPK": "5"}, 1, "HEADRACE_TOP_K"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(
    tmp_path: Path, arguments: list[str], settings: dict[str, str], status: int, said: str
) -> None:
    places = {"log": _small_log(tmp_path / "shop.csv"), "empty": _log(tmp_path / "empty.csv", [])}
    result = _invoke(*(argument.format(**places) for argument in arguments), **settings)
    assert result.exit_code == status
    assert said in " ".join(result.output.split())
    assert "Traceback" not in result.output


def test_a_program_that_looks_at_everything_is_scored_and_teaches_no_more_than_a_person_could() -> None:
    events = [
        Event(event_id=f"e{n}", event="view_item", ts=NOW - 50_000 + 100 * n, user_id="bot", item_id=f"i{n}")
        for n in range(100)
    ]
    settings = Settings(device="cpu", batch=8)
    with closing(Brain(settings)) as brain:
        curve = Evaluation(brain, settings, NOW).run(events)
        assert curve[-1].quality["headrace"].scored == 99
        assert brain.recommender.items == brain.recommender.learnt == 20
