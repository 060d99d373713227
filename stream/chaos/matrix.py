"""The faults of the chaos suite: what each does, how often, and what must hold."""

from functools import partial
from typing import Final

import msgspec

from stream.chaos import disk, faults, traffic
from stream.chaos.burst import burst
from stream.chaos.faults import Strike
from stream.chaos.forget import forget_and_crash, forget_and_kill
from stream.chaos.recreation import recreate

__all__ = ["MATRIX", "Case"]


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of fault.

    Attributes
    ----------
    says
        What happens, for the table.
    strike
        Does it to a system, and returns the seconds of the recovery.
    runs
        How often, in ``headrace bench chaos``.
    workers
        How many there are at the beginning.
    keeps_store
        Whether each partition's store survives: then answers that are repeated are the same to the byte.
    rate
        Events a second that go in.
    """

    says: str
    strike: Strike
    runs: int
    workers: int = 1
    keeps_store: bool = True
    rate: float = 400.0


MATRIX: Final = {
    "kill": Case(says="kill -9 under load", strike=faults.kill, runs=70),
    "kill-starting": Case(
        says="kill -9 under load and again at the start", strike=faults.kill_while_starting, runs=30
    ),
    **{
        f"crash-{point}": Case(
            says=f"kill -9 of itself, {point}", strike=partial(faults.crash_at, point), runs=10
        )
        for point in (
            "saved-not-published",
            "published-not-confirmed",
            "published-not-saved",
            "saved-not-acknowledged",
            "checkpoint-writing",
            "checkpoint-before-rename",
        )
    },
    "crash-erased-not-published": Case(
        says="kill -9 of itself, erased-not-published", strike=forget_and_crash, runs=10
    ),
    "stop": Case(says="SIGTERM under load", strike=faults.stop, runs=20),
    "two-workers": Case(
        says="2 workers: kill -9, SIGTERM, join, leave",
        strike=faults.mix,
        runs=30,
        workers=2,
        keeps_store=False,
    ),
    "three-workers": Case(
        says="3 workers: kill -9, SIGTERM, join, leave",
        strike=faults.mix,
        runs=30,
        workers=3,
        keeps_store=False,
    ),
    "broker": Case(
        says="broker kill -9, 1 to 100 s away", strike=partial(faults.kill_broker, 1.0, 100.0), runs=20
    ),
    "freeze": Case(
        says="SIGSTOP, 0.5 to 3 sessions", strike=faults.freeze, runs=10, workers=2, keeps_store=False
    ),
    "bad-input": Case(says="records that are no events", strike=traffic.publish_bad_input, runs=20),
    "repeats": Case(says="events published again", strike=traffic.publish_repeats, runs=5),
    "late": Case(says="events of yesterday", strike=traffic.publish_late, runs=5),
    "forget": Case(says="users erased, then kill -9", strike=forget_and_kill, runs=20),
    "recreate": Case(says="the topic of clicks recreated", strike=recreate, runs=5),
    "corrupt": Case(says="bytes of a file overwritten", strike=disk.corrupt, runs=10, keeps_store=False),
    "truncate": Case(says="the end of a file cut off", strike=disk.truncate, runs=10, keeps_store=False),
    "delete": Case(says="a file deleted", strike=disk.delete_files, runs=10, keeps_store=False),
    "wipe": Case(says="the data folder deleted", strike=disk.wipe, runs=10, keeps_store=False),
    "full-disk": Case(says="no file can grow", strike=disk.fill_disk, runs=10),
    "burst": Case(says="3 times capacity for 2 minutes", strike=partial(burst, 120.0), runs=3),
}
