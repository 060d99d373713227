"""Laws of the places where a worker can be told to kill itself."""

import signal
import subprocess
import sys

import pytest

from stream.crash_points import arm, reach
from stream.settings import BadSetting, Settings

_SCRIPT = """
from stream.crash_points import arm, reach
arm({!r})
for number in range(3):
    reach("saved-not-published")
    reach("another")
    print(number, flush=True)
"""


def _run(where: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", _SCRIPT.format(where)], capture_output=True, text=True, check=False
    )


def test_a_process_ends_the_nth_time_it_reaches_its_point_and_not_before() -> None:
    done = _run("saved-not-published:2")
    assert (done.stdout, done.returncode) == ("0\n", -signal.SIGKILL)


@pytest.mark.parametrize("where", ["", "saved-not-published:4", "elsewhere:1"])
def test_a_process_that_does_not_reach_its_point_goes_on(where: str) -> None:
    assert (_run(where).stdout, _run(where).returncode) == ("0\n1\n2\n", 0)


def test_arming_anew_forgets_the_point_before() -> None:
    arm("saved-not-published:1")
    arm("")
    reach("saved-not-published")


@pytest.mark.parametrize("where", ["saved-not-published", "saved-not-published:0", ":1", "a:b:1"])
def test_a_point_without_a_number_is_no_setting(where: str) -> None:
    with pytest.raises(BadSetting, match="HEADRACE_CRASH_AT"):
        Settings.of({"HEADRACE_CRASH_AT": where})
