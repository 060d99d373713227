"""What a storm does to workers and broker; each returns the seconds until all was well again.

After a start that is until the worker is ready, its imports included; after the broker was away or a worker
frozen, until events are handled again.
"""

import time
from collections.abc import Callable
from random import Random
from typing import Final

from stream.chaos.member import Member
from stream.chaos.system import System
from stream.chaos.wait import until

__all__ = [
    "Strike",
    "crash",
    "crash_at",
    "freeze",
    "kill",
    "kill_broker",
    "kill_while_starting",
    "mix",
    "stop",
]

# What a fault does to a system; the draw is its only source of chance.
Strike = Callable[[System, Random], float]

_DOWN_SECONDS: Final = (0.0, 1.0)
_START_SECONDS: Final = 6.0
# A point that is not reached by then never is: each is passed at least once a batch, or once a second.
_REACH_SECONDS: Final = 120.0
_NTH: Final = 40
_FLOW_SECONDS: Final = 120.0
_SESSION_SECONDS: Final = 10.0
_MOST_WORKERS: Final = 3


def kill(system: System, draw: Random) -> float:
    """Kill a worker under load, and start it again."""
    member = _after_some_load(system, draw)
    member.kill()
    return _start_again(member, draw)


def kill_while_starting(system: System, draw: Random) -> float:
    """Kill a worker under load, and once more while it starts."""
    member = _after_some_load(system, draw)
    member.kill()
    member.start()
    time.sleep(draw.uniform(0.0, _START_SECONDS))
    member.kill()
    return _start_again(member, draw)


def stop(system: System, draw: Random) -> float:
    """Tell a worker to stop under load, and start it again."""
    member = _after_some_load(system, draw)
    member.stop()
    return _start_again(member, draw)


def crash_at(name: str, system: System, draw: Random) -> float:
    """Let a worker kill itself where it is most delicate, and start it again.

    Raises
    ------
    StormFailed
        If it never comes to that point.
    """
    member = _after_some_load(system, draw)
    member.kill()
    return crash(member, f"{name}:{draw.randint(1, _NTH)}", draw)


def crash(member: Member, where: str, draw: Random) -> float:
    """Start a worker that kills itself at ``name:nth``, and start it once more.

    Raises
    ------
    StormFailed
        If it never comes to that point.
    """
    member.start(where)
    until(lambda: member.is_casualty, f"a worker comes to {where}", _REACH_SECONDS)
    member.until_ended()
    return _start_again(member, draw)


def kill_broker(least: float, most: float, system: System, draw: Random) -> float:
    """Kill the broker, and start it again after some seconds between the least and the most."""
    _after_some_load(system, draw)
    system.broker.kill()
    time.sleep(draw.uniform(least, most))
    system.broker.start()
    return system.until_flowing(_FLOW_SECONDS)


def freeze(system: System, draw: Random) -> float:
    """Freeze a worker for half the session's timeout, or for up to three times as long."""
    member = _after_some_load(system, draw)
    member.freeze()
    time.sleep(_SESSION_SECONDS * draw.uniform(0.5, 3.0))
    member.thaw()
    return system.until_flowing(_FLOW_SECONDS)


def mix(system: System, draw: Random) -> float:
    """Kill or stop a worker, let one more join, or one leave for good, while at least one stays."""
    count = len(system.running)
    choices: list[Strike] = [kill, stop]
    choices += [_join] if count < _MOST_WORKERS else []
    choices += [_leave] if count > 1 else []
    return draw.choice(choices)(system, draw)


def _join(system: System, draw: Random) -> float:
    _after_some_load(system, draw)
    idle = next((member for member in system.members if not member.is_wanted), None)
    if idle is None:
        return system.join().until_ready()
    idle.start()
    return idle.until_ready()


def _leave(system: System, draw: Random) -> float:
    _after_some_load(system, draw).stop()
    return system.until_flowing(_FLOW_SECONDS)


def _after_some_load(system: System, draw: Random) -> Member:
    """Let events flow for a moment; return one of the workers."""
    system.let_events_flow(draw)
    return system.one_of(draw)


def _start_again(member: Member, draw: Random) -> float:
    time.sleep(draw.uniform(*_DOWN_SECONDS))
    member.start()
    return member.until_ready()
