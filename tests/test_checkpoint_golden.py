"""The released form of checkpoints, as bytes that must be read and written the same for ever."""

from pathlib import Path

from snapshots import NOW, plain, run

from models.checkpoint_file import pack, read

GOLDEN = Path(__file__).parent / "golden" / "checkpoint-4"


def test_golden_checkpoints_are_read_and_written_the_same() -> None:
    (_, whole), (changed, _) = run(2)
    full = pack(whole, None, NOW)
    for snapshot, packed in ((whole, full), (changed, pack(changed, full.header.mark, NOW + 1000))):
        path = GOLDEN / packed.header.name
        header, held = read(path)
        assert header == packed.header
        assert plain(held) == plain(snapshot)
        assert b"".join(packed.pieces) == path.read_bytes()
