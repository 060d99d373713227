"""Every form in which one worker's words reach another or its next start, as bytes that must stay the same.

Each is read by plain struct and msgpack too: what stands where is said here, and not by the code alone.
"""

import struct
from pathlib import Path
from typing import Any, NamedTuple

import msgpack
import msgspec
import numpy as np
import pytest
import torch

from models.monitor import SIGNALS
from models.recommender import Recommender
from models.record_block import records_of
from models.retraining import Retraining
from models.row_forms import RowForm, type_of_rows
from models.row_records import read_rows, row_records
from models.rules import Phase, Rules
from models.snapshot import Rows, Snapshot
from models.stock import Stock
from stream.challenge.plan import Plan
from stream.changelog import CommitReader, WriterEpoch, outgoing
from stream.changelog_position import ChangelogPosition
from stream.chaos.learner import steps_of
from stream.commits import Pending
from stream.erasure_markers import Erased, marker_of
from stream.erasure_records import erased_user, erasure_record
from stream.model_topic import Dense, DenseUnreadable
from stream.origins import Origins
from stream.outbox import OutboxRecord
from stream.progress import Mark, Progress

GOLDEN = Path(__file__).parent / "golden"
KEY = -(2**40) + 7
WEIGHT = [254.0, -127.0, 1.0, 0.0]  # as int8 with a scale of 2: 127, -64 (half to even), 0, 0
RETRAINING = {
    "phase": "challenger",
    "number": 1,
    "counts": {"drift-alarm": 1, "retrain-started": 1},
    "schedule": {
        "now": 1_700_000_000_000,
        "began": 1_700_000_000_000,
        "rests_until": 1_700_000_000_000 + 3 * 3_600_000,
        "budget": [19_675, 1],
        "heard": None,
    },
}
PROGRESS: dict[str, Any] = {
    "position": 41,
    "learnt_to": {"clicks-3": 18, "clicks~1-3": 2},
    "epoch": 2,
    "log": "cluster/topic",
    "taught": 20_000,
    "marks": [[7, 18_900, {"clicks-3": 1}], [30, 19_500, {"clicks-3": 9}]],
    "tested_to": 44,
    "oversight": {
        "retraining": RETRAINING,
        "plan": {
            "role": "challenger",
            "first": [7, 18_900, {"clicks-3": 1}],
            "position": 41,
            "champion": 41,
            "recent": 2_560,
        },
    },
}
POSITION = ChangelogPosition("log", 10, WriterEpoch(b"bob", 1), WriterEpoch(b"ann", 2), has_diverged=True)


def golden(name: str) -> bytes:
    return (GOLDEN / name).read_bytes()


def rows() -> Rows:
    columns = {"mass": np.array([0.5]), "version": np.array([3]), "weight": np.array([WEIGHT], np.float32)}
    return Rows(np.array([KEY]), columns)


@pytest.mark.parametrize(
    ("name", "form", "layout", "values"),
    [
        ("model-row-exact-1.bin", RowForm.EXACT, "<Bdq4f", (1, 0.5, 3, *WEIGHT)),
        ("model-row-int8-2.bin", RowForm.INT8, "<Bdq4bf", (2, 0.5, 3, 127, -64, 0, 0, 2.0)),
    ],
)
def test_golden_rows(name: str, form: RowForm, layout: str, values: tuple[float, ...]) -> None:
    value = golden(name)
    assert struct.unpack_from(layout, value) == values
    assert value[struct.calcsize(layout) :].decode() == "шляпа"
    key = b"r" + struct.pack("<q", KEY)
    assert records_of(row_records(rows(), ["шляпа"], np.array([9]), form)) == {
        key: value,
        b"r" + struct.pack("<q", 9): None,
    }
    read = read_rows([(key, value)], type_of_rows(rows().columns))
    assert (read.names, read.rows.key.tolist()) == (["шляпа"], [KEY])
    assert read.rows.columns["version"].tolist() == [3]


def test_golden_dense_part_and_progress() -> None:
    """Of a learner that was taught three lessons of 64, ranked 0 to 20 in turn; a challenger is on trial."""
    raw = golden("dense-7.msgpack")
    told = msgpack.unpackb(raw)
    assert (told["form"], told["version"], told["progress"]) == (7, 3, PROGRESS)
    dense = Dense.from_bytes(raw)
    assert dense.to_bytes() == raw
    assert Progress(0, dense.progress).to_dict() == PROGRESS
    assert Progress(0, dense.progress).decided == {"drift-alarm": 1, "retrain-started": 1}
    retraining = Retraining(Rules())
    retraining.restore(PROGRESS["oversight"]["retraining"])
    assert (retraining.phase, retraining.state) == (Phase.CHALLENGER, PROGRESS["oversight"]["retraining"])
    plan = Plan(Phase.CHALLENGER, Mark(*PROGRESS["marks"][0]), 41, champion=41, recent=2_560)
    assert msgspec.convert(PROGRESS["oversight"]["plan"], Plan) == plan


def test_golden_dense_state_is_what_a_recommender_goes_on_from() -> None:
    dense = Dense.from_bytes(golden("dense-7.msgpack"))
    assert dense.state["ranks"]["headrace"] == [3 * 4] + [3 * 3] * 20
    assert dense.state["learnt"] == 192
    assert set(dense.state["monitor"]["detectors"]) == set(SIGNALS)
    recommender = Recommender(Stock(100, torch.device("cpu")), seed=0)
    recommender.follow(Snapshot(dense.version, dense.state, no_rows(), np.zeros(0, np.int64), names=[]))
    assert recommender.take_changes().dense == dense.state


def no_rows() -> Rows:
    return Rows(np.zeros(0, np.int64), {})


def test_a_dense_part_of_another_form_is_refused() -> None:
    with pytest.raises(DenseUnreadable, match="set another HEADRACE_TOPIC_PREFIX"):
        Dense.from_bytes(golden("dense-6.msgpack"))


def test_golden_steps() -> None:
    raw = golden("steps-2.msgpack")
    assert msgpack.unpackb(raw) == {"epoch": 2, "position": 41, "version": 12, "steps": [256, 3]}
    assert steps_of([Journalled(raw)]) == [256, 3]  # type: ignore[list-item]  # has a value


class Journalled(NamedTuple):
    value: bytes


def test_golden_origins() -> None:
    raw = golden("origins-1.msgpack")
    columns = b"\0\1\0", struct.pack("<3q", 17, 2, 2**40)
    assert msgpack.unpackb(raw) == [3, ["clicks", "purchases~2"], *columns]
    origins = Origins.from_bytes(raw)
    assert origins.next_offsets == {"clicks-3": 2**40 + 1, "purchases~2-3": 3}
    assert origins.to_bytes() == raw


def test_golden_erasure() -> None:
    raw = golden("forget-header-1.bin")
    assert struct.unpack("<q", raw) == (KEY,)
    assert erased_user([("forget", raw)]) == KEY
    assert erasure_record("examples", KEY).headers == (("forget", raw),)
    marker = golden("marker-1.bin")
    key, value = marker[:17], marker[17:]  # the kind and 16 bytes of a hash
    assert (key[:1], value) == (b"f", b"1700000000500 1700000000000")
    assert marker_of("ann", Erased(1_700_000_000_500, 1_700_000_000_000)) == (key, value)
    assert Erased.from_bytes(value).asked == 1_700_000_000_000


def test_golden_commit_that_waits() -> None:
    record = OutboxRecord("examples", 0, None, b"...", (("origins", b"\1"),))
    raw = golden("pending-1.msgpack")
    names, outbox = msgpack.unpackb(raw)
    assert names == [b"pann", b"nclicks"]
    assert msgpack.unpackb(outbox[0]) == ["examples", 0, None, b"...", [["origins", b"\1"]]]
    assert Pending([b"pann", b"nclicks"], [record.to_bytes()]).to_bytes() == raw
    assert OutboxRecord.from_bytes(Pending.from_bytes(raw).outbox[0]) == record


def test_golden_position() -> None:
    raw = golden("position-1.msgpack")
    assert msgpack.unpackb(raw) == ["log", 10, [b"bob", 1], [b"ann", 2], True]
    assert msgspec.msgpack.decode(raw, type=ChangelogPosition) == POSITION
    assert msgspec.msgpack.encode(POSITION) == raw


class Logged(NamedTuple):
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


def test_golden_changelog() -> None:
    raw = golden("changelog-1.msgpack")
    writer = struct.pack(">I", 2) + b"ann's id"
    headers = [["w", writer]]
    assert msgpack.unpackb(raw) == [
        [b"pann", b"...", headers],
        [b"bann", None, headers],
        [b"w" + writer, b"", headers],
    ]
    changes = {b"pann": b"...", b"bann": None}
    written = [(it.key, it.value, it.headers) for it in outgoing(WriterEpoch(b"ann's id", 2), changes)]
    assert msgpack.packb(written) == raw
    log = [
        Logged(at, key, value, tuple(map(tuple, its)))
        for at, (key, value, its) in enumerate(msgpack.unpackb(raw))
    ]
    (step,) = CommitReader(WriterEpoch(b"", 0)).add(log)
    assert (step.changes, step.next_offset) == (changes, 3)
