"""Nothing is lost and nothing counted twice, whatever happens; short runs of ``headrace bench chaos``."""

import sys
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from random import Random
from zlib import crc32

import msgspec
import pytest

from stream.broker import Broker
from stream.chaos import disk, faults, traffic
from stream.chaos.faults import Strike
from stream.chaos.matrix import MATRIX
from stream.chaos.recreation import recreate
from stream.chaos.storm import Outcome, Storm
from stream.chaos.system import System

pytestmark = pytest.mark.timeout(600)

_STOP_SECONDS = 5.0
_FLOWING_SECONDS = 10.0


@pytest.fixture(scope="module")
def own_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker that may be killed."""
    with Broker(tmp_path_factory.mktemp("kafka")) as running:
        yield running


def in_turn(*strikes: Strike) -> Strike:
    """Return a fault that is each of these, one after the other."""
    coming = cycle(strikes)

    def strike(system: System, draw: Random) -> float:
        return next(coming)(system, draw)

    return strike


def struck(broker: Broker, folder: Path, *strikes: Strike, **changed: object) -> Outcome:
    """Return what came of a storm of these faults over one worker, or as said otherwise."""
    case = msgspec.structs.replace(MATRIX["kill"], strike=in_turn(*strikes), **changed)
    seed = crc32(folder.name.encode())  # of the test's own name: its topics are no other's
    return Storm(case, seed).run(broker, folder, faults=len(strikes))


def assert_nothing_lost_or_doubled(outcome: Outcome) -> None:
    assert outcome.holds, outcome
    assert outcome.verdict.events > 500
    assert max(outcome.stops) < _STOP_SECONDS


def test_kills_and_stops_lose_and_double_nothing_and_repeat_answers_to_the_byte(
    own_broker: Broker, tmp_path: Path
) -> None:
    kills = [faults.kill] * 4 + [faults.kill_while_starting]
    crashes = [MATRIX[name].strike for name in MATRIX if name.startswith("crash-")]
    outcome = struck(own_broker, tmp_path, *kills, *crashes, faults.stop, faults.stop)
    assert_nothing_lost_or_doubled(outcome)
    assert outcome.verdict.differing_answers == 0
    assert outcome.verdict.erased > 0


def test_what_is_no_event_and_what_comes_again_or_late_changes_nothing_else(
    own_broker: Broker, tmp_path: Path
) -> None:
    unusual = [traffic.publish_bad_input, traffic.publish_repeats, traffic.publish_late, recreate]
    outcome = struck(own_broker, tmp_path, *unusual, faults.kill)
    assert_nothing_lost_or_doubled(outcome)
    assert outcome.verdict.refused > 1_000


def test_a_broker_that_comes_back_finds_all_as_it_was(own_broker: Broker, tmp_path: Path) -> None:
    def kill_broker(system: System, draw: Random) -> float:
        return faults.kill_broker(2.0, 8.0, system, draw)

    outcome = struck(own_broker, tmp_path, kill_broker)
    assert_nothing_lost_or_doubled(outcome)
    assert outcome.recoveries[0] < _FLOWING_SECONDS


def test_workers_that_come_go_and_freeze_lose_and_double_nothing(own_broker: Broker, tmp_path: Path) -> None:
    strikes = [faults.mix] * 4 + [faults.freeze]
    assert_nothing_lost_or_doubled(struck(own_broker, tmp_path, *strikes, workers=2))


def test_a_damaged_folder_is_refused_with_a_word_or_loses_and_doubles_nothing(
    own_broker: Broker, tmp_path: Path
) -> None:
    damages = [disk.wipe, disk.corrupt, disk.truncate, disk.delete_files]
    assert_nothing_lost_or_doubled(struck(own_broker, tmp_path, *damages, disk.fill_disk))


def test_without_the_offsets_in_the_state_the_oracle_finds_events_counted_twice(
    own_broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "forgetful_app" not in sys.modules, "the oracle would forget as well"
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    verdict = Storm(MATRIX["kill"], seed=1, app="forgetful_app").run(own_broker, tmp_path, faults=2).verdict
    assert verdict.doubled > 0
    assert not verdict.holds
