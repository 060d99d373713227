"""A model as plain dicts and lists, and the snapshots it gives: what the checkpoints must come to."""

from pathlib import Path
from typing import Any

import numpy as np
import xxhash

from models.snapshot import Rows, Snapshot

NOW = 1_700_000_000_000

# Keys that are touched, and keys that are evicted before that.
Step = tuple[frozenset[int], frozenset[int]]


class PlainModel:
    """Rows by key, all of them telling the version that wrote them."""

    def __init__(self) -> None:
        self.version = 0
        self.written: dict[int, int] = {}  # version by key

    def step(self, step: Step) -> Snapshot:
        """Take a step; return what has changed."""
        touched, evicted = step
        self.version += 1
        gone = [key for key in evicted if self.written.pop(key, None) is not None]
        self.written |= dict.fromkeys(touched, self.version)
        return self._snapshot(sorted(touched, reverse=True), gone)

    def whole(self) -> Snapshot:
        """Return all there is, the rows in the order of their keys."""
        return self._snapshot(sorted(self.written), [])

    def _snapshot(self, keys: list[int], removed: list[int]) -> Snapshot:
        versions = [self.written[key] for key in keys]
        columns: dict[str, Any] = {
            "weight": np.array([[key, version] for key, version in zip(keys, versions, strict=True)], "f4"),
            "count": np.array(versions, np.int64),
            "hot": np.array([version % 2 for version in versions], np.bool_),
        }
        columns["weight"] = columns["weight"].reshape(-1, 2)
        return Snapshot(
            version=self.version,
            dense={"offsets": {0: self.version}, "random": bytes([self.version % 256]), "loss": [0.5, None]},
            rows=Rows(np.array(keys, np.int64), columns),
            removed=np.array(removed, np.int64),
            names=[f"шляпа {key}" if key else "" for key in keys],
        )


def run(count: int) -> list[tuple[Snapshot, Snapshot]]:
    """Return what each of some steps changed, and the whole state after it."""
    model = PlainModel()
    return [(model.step(nth_step(number)), model.whole()) for number in range(1, count + 1)]


def nth_step(number: int) -> Step:
    """Return a step that is the same at every call: two keys touched of seven, one evicted of eleven."""
    return frozenset({number % 7, number * number % 7}), frozenset({number * 3 % 11})


def plain(snapshot: Snapshot | None) -> Any:
    """Return a snapshot as plain values that can be compared."""
    if snapshot is None:
        return None
    columns = {name: (column.dtype.str, column.tolist()) for name, column in snapshot.rows.columns.items()}
    arrays = [array.tolist() for array in (snapshot.rows.key, snapshot.removed)]
    return snapshot.version, snapshot.dense, columns, arrays, snapshot.names


def write_as_format(checkpoint: Path, form: int) -> None:
    """Have a checkpoint's file say that it is of another format; it stays whole."""
    raw = checkpoint.read_bytes()
    length = int.from_bytes(raw[12:16], "little")
    start, header = raw[:8] + form.to_bytes(4, "little") + raw[12:16], raw[32 : 32 + length]
    checkpoint.write_bytes(start + xxhash.xxh3_128_digest(start + header) + raw[32:])
