"""A log in, recommendations out, through a worker that is stopped once and killed once on the way."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from answers import Answers, Events, publish, read_sources
from shop import Log, Shop, finished
from worker_process import WorkerProcess

from producers.bundled import REES46

_FORETOLD = {"p_cart", "p_purchase"}
_TOP_K = 7
# Events of the recorded log that are published first, and after the second start, the first ones again.
_RECORDED, _RECORDED_LATER = 2_000, 3_000
_ACTIONS = ["view", "add_to_cart", "remove_from_cart", "purchase", "refund", "pv", "fav"]
_TAKING_BACK = ("remove_from_cart", "refund")
_START = 1_760_000_000_000
_FIELDS = {"recommendation_id", "user_id", "ts", "event_id", "event_ts", "model_version", "items"}


def _event(number: int, **changed: object) -> dict[str, Any]:
    """One of the events of 40 users who each walk through all actions."""
    action = _ACTIONS[number // 40 % len(_ACTIONS)]
    plain = {"event_id": f"e{number}", "event": action, "ts": _START + 1000 * number, "v": 1}
    return {**plain, "user_id": f"user-{number % 40}", "item_id": f"item-{number % 23}", **changed}


_PLAIN = [_event(number) for number in range(280)]
_REPEATED = _PLAIN[::7]


def _teaching(events: Events) -> list[dict[str, Any]]:
    return [event for event in events.values() if event["event"] not in _TAKING_BACK]


def _items(events: Events) -> int:
    return len({event["item_id"] for event in _teaching(events)})


class Stopped(NamedTuple):
    """A worker was told to stop when it had answered some of the events."""

    sources: Events
    answers: Answers
    seconds: float
    status: int


class Answered(NamedTuple):
    """The worker that was started again on the same folder has answered everything."""

    sources: Events
    answers: Answers
    figures: Any


class Killed(NamedTuple):
    """A worker was killed when it had answered some of the further events, and another has answered all."""

    sources: Events
    before: Answers
    after: Answers
    figures: Any


@pytest.fixture(scope="module")
def shop(broker: str) -> Shop:
    return Shop.new(broker)


@pytest.fixture(scope="module")
def worker(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerProcess]:
    # Small batches, so that there is a moment to stop it half-way.
    with WorkerProcess(shop, tmp_path_factory.mktemp("worker"), top_k=_TOP_K, batch=64) as running:
        yield running


@pytest.fixture(scope="module")
def stopped(shop: Shop, worker: WorkerProcess) -> Stopped:
    finished(shop.command("replay", REES46, "--limit", _RECORDED))
    publish(shop, [*_PLAIN, *_REPEATED])
    worker.ready().reaches(usable=_RECORDED // 4)
    seconds = worker.stop()
    return Stopped(
        read_sources(shop), Answers.of(shop.read("recommendations")), seconds, worker.process.returncode
    )


@pytest.fixture(scope="module")
def log(shop: Shop, stopped: Stopped) -> Iterator[Log]:  # noqa: ARG001 (the topic is there from then on)
    reading = Log(shop, "recommendations")
    yield reading
    reading.close()


@pytest.fixture(scope="module")
def answered(shop: Shop, worker: WorkerProcess, stopped: Stopped, log: Log) -> Answered:
    worker.start().ready()
    Answers.of([]).until(worker, log, len(stopped.sources))
    figures = worker.reaches(examples=len(_teaching(stopped.sources)))
    publish(shop, _REPEATED)
    figures = worker.reaches(duplicates=figures["duplicates"] + len(_REPEATED))
    return Answered(stopped.sources, Answers.of(log.read_to_end()), figures)


@pytest.fixture(scope="module")
def killed(shop: Shop, worker: WorkerProcess, answered: Answered, log: Log) -> Killed:
    replay = shop.command("replay", REES46, "--limit", _RECORDED_LATER)
    worker.reaches(usable=answered.figures["usable"] + 100)
    worker.kill()
    finished(replay)
    before, sources = Answers.of(log.read_to_end()), read_sources(shop)
    worker.start().ready()
    after = before.until(worker, log, len(sources))
    return Killed(sources, before, after, worker.reaches(examples=len(_teaching(sources))))


def _check(sources: Events, answers: Answers) -> None:
    """Each answer tells what it answers, under the user's key; a user's come in the order of each topic."""
    newest: dict[tuple[str, str], int] = {}
    for record, value in zip(answers.records, answers.values, strict=True):
        event = sources[value["recommendation_id"]]
        assert [value["event_id"], value["event_ts"]] == [event["event_id"], event["ts"]]
        assert record.key.decode() == value["user_id"] == event["user_id"]
    for value in answers.first:
        topic, _, offset = value["recommendation_id"].rsplit("-", 2)
        assert newest.get((topic, value["user_id"]), -1) < int(offset)
        newest[topic, value["user_id"]] = int(offset)


def test_every_usable_event_is_answered_exactly_once_over_a_stop(answered: Answered) -> None:
    assert Counter(answered.answers.ids) == Counter(answered.sources.keys())
    assert len({value["event_id"] for value in answered.answers.values}) == len(answered.sources)


def test_answers_come_in_the_order_of_the_users_events(answered: Answered, killed: Killed) -> None:
    _check(answered.sources, answered.answers)
    _check(killed.sources, killed.after)


def test_an_answer_holds_what_the_contract_says(answered: Answered) -> None:
    for value in answered.answers.values:
        items = [item["item_id"] for item in value["items"]]
        assert value.keys() == _FIELDS
        assert all(item.keys() - _FORETOLD == {"item_id", "score", "source"} for item in value["items"])
        chances = [item[name] for item in value["items"] for name in _FORETOLD if name in item]
        assert all(0 < chance < 1 for chance in chances)
        assert len(items) == len(set(items)) <= _TOP_K
        assert answered.sources[value["recommendation_id"]]["item_id"] not in items
        assert value["ts"] > value["event_ts"]
    last = answered.answers.values[-1]["items"]
    assert len(last) == _TOP_K
    assert all(item.keys() > _FORETOLD for item in last)


def test_what_takes_back_is_answered_as_well(answered: Answered) -> None:
    asked = {name for name, event in answered.sources.items() if event["event"] in _TAKING_BACK}
    assert len(asked) == 80
    assert asked <= set(answered.answers.ids)


def test_repeated_ids_are_counted_and_not_answered(answered: Answered) -> None:
    assert answered.figures["duplicates"] >= len(_REPEATED)
    counts = Counter(value["event_id"] for value in answered.answers.values)
    assert {counts[event["event_id"]] for event in _REPEATED} == {1}


def test_a_new_user_with_an_unknown_item_gets_the_popular_list(
    shop: Shop, worker: WorkerProcess, killed: Killed, log: Log
) -> None:
    popular = worker.get(f"/popular?k={_TOP_K}").json["items"]
    publish(shop, [_event(1000, event_id="new", user_id="newcomer", item_id="never-seen")])
    answer = killed.after.until(worker, log, len(killed.sources) + 1).values[-1]
    assert answer["event_id"] == "new"
    assert [item["item_id"] for item in answer["items"]] == popular
    assert {item["source"] for item in answer["items"]} == {"popular"}


def test_a_stop_is_quick_and_clean(stopped: Stopped) -> None:
    assert 0 < len(stopped.answers.ids) < len(stopped.sources)
    assert stopped.status == 0
    assert stopped.seconds < 5


def test_the_model_learns_from_each_event_once_over_a_stop_and_a_kill(
    answered: Answered, killed: Killed
) -> None:
    for figures, sources in ((answered.figures, answered.sources), (killed.figures, killed.sources)):
        assert figures["rows"] == _items(sources)
        assert figures["examples"] == len(_teaching(sources))


def test_a_killed_worker_leaves_nothing_unanswered(killed: Killed) -> None:
    """What the first worker had answered came once more as well: event ids are not forgotten."""
    assert len(set(killed.before.ids)) < len(killed.sources)
    assert set(killed.after.ids) == killed.sources.keys()


def test_a_user_is_known_after_restarts(worker: WorkerProcess, stopped: Stopped, killed: Killed) -> None:
    late = {value["user_id"] for value in killed.after.values[len(stopped.answers.ids) :]}
    user = next(value["user_id"] for value in stopped.answers.values if value["user_id"] not in late)
    known, unknown = (worker.get(f"/users/{name}/recommendations").json["items"] for name in (user, "nobody"))
    assert {item["source"] for item in known} & {"embedding", "transitions", "recent"}
    assert {item["source"] for item in unknown} == {"popular"}
