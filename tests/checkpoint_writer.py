"""A process that appends and compacts until it is killed; it tells each version once it is durable."""

import sys
from pathlib import Path

from snapshots import NOW, PlainModel, nth_step

from models.checkpoint import Checkpoints

COMPACT_EVERY = 4


def main() -> None:
    checkpoints = Checkpoints(Path(sys.argv[1]))
    loaded, _ = checkpoints.load()
    model = PlainModel()
    for number in range(1, loaded.version + 1 if loaded else 1):
        model.step(nth_step(number))
    while True:
        changed = model.step(nth_step(model.version + 1))
        checkpoints.append(changed, NOW)
        sys.stdout.write(f"{model.version}\n")
        sys.stdout.flush()
        if model.version % COMPACT_EVERY == 0:
            checkpoints.compact(NOW)


if __name__ == "__main__":
    main()
