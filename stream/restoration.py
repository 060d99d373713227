"""A partition's local copy, brought up to its changelog before its sources are read."""

import logging
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from faust.types import TP
from msgspec.structs import replace

from stream.changelog import CommitReader, Step, WriterEpoch
from stream.changelog_position import ChangelogPosition
from stream.chunks import RawRecord
from stream.commits import Commit
from stream.profiles import ProfileStore
from stream.storage import Changes
from stream.store_keys import GENERATION, IDENTITY, OFFSET, offsets_in, topic_key

__all__ = ["Restoration", "Sources"]

_log = logging.getLogger(__name__)


class Sources(NamedTuple):
    """The source topics of a partition as the broker has them: identity and end, by topic."""

    identities: Mapping[str, str]
    ends: Mapping[str, int]


class Restoration:
    """Decides what of the local copy stands, applies what others have written, and claims the partition.

    What this store itself has published is in its copy, so that nothing need be applied, and what the copy
    has beyond it is published at the end. Where another has gone on, the copy is only good as far as the
    changelog had it: if it holds commits beyond that, it is dropped, and the changelog read from its start.
    So is a copy that holds users whom another has erased: compaction may have dropped the tombstones of their
    profiles by now, but never their markers.

    Parameters
    ----------
    store
        Holds the copy.
    tp
        The partition of the changelog.
    log
        The identity of the changelog topic.
    end
        Its end.
    """

    def __init__(self, store: ProfileStore, tp: TP, log: str, end: int) -> None:
        self._store = store
        self._tp = tp
        self._partition = tp.partition
        position = store.changelog_position(self._partition)
        reason = _stale(position, log, end)
        if reason and (position.log or store.offsets(self._partition)):
            _log.warning("%s-%d: the local copy is thrown away: %s", *tp, reason)
            store.drop(self._partition)
        if reason:
            position = ChangelogPosition(log)
        self._log = log
        self._end = end
        self._begin(position)

    def _begin(self, position: ChangelogPosition) -> None:
        self._position = position
        self._commits = CommitReader(position.epoch)
        # Until the first commit that is not this store's own, the copy is ahead of the log; then the log is.
        self._is_behind = False
        self._is_new = not position.offset  # whether there is nothing that the log has not built

    @property
    def start(self) -> int:
        """The offset from which the changelog has to be read."""
        return self._position.offset

    def add(self, records: Iterable[RawRecord]) -> bool:
        """Take in the next records; return False where all is to be read again, from the new `start`."""
        changes: dict[bytes, bytes | None] = {}
        for step in self._commits.add(records):
            if not self._is_behind and not self._knows(step):
                if self._has_more_than_the_log:
                    return self._start_anew(f"another worker went on (takeover {step.epoch.number})")
                self._is_behind = True
            if self._is_behind:
                if self._has_users_erased_by(step):
                    return self._start_anew("users of the local copy were erased")
                changes.update(step.changes)
            self._position = replace(self._position, offset=step.next_offset, epoch=step.epoch)
        if changes:
            self._store.apply(self._partition, changes, self._position)
        return True

    def finish(self, sources: Sources) -> Commit:
        """Claim the partition; return all that is to be published before anything else.

        Called once all records are taken in. Nothing is claimed where this store has it already and nobody
        else has written since.
        """
        again = self._commits.spoilt | self._commits.unfinished
        changes = self._new_sources(sources)
        held = self._store.changelog_position(self._partition)
        is_claimed = held == ChangelogPosition(self._log, self._end, held.claim, held.claim)
        if again or changes or not is_claimed:
            claim = WriterEpoch(self._store.writer, max(self._commits.newest.number, held.claim.number) + 1)
            position = ChangelogPosition(self._log, self._end, self._commits.newest, claim)
            self._store.claim(self._partition, changes, again, position)
        return self._store.unconfirmed(self._partition)

    @property
    def _has_more_than_the_log(self) -> bool:
        return self._position.has_diverged or bool(self._store.unconfirmed(self._partition).tickets)

    def _has_users_erased_by(self, step: Step) -> bool:
        return not (self._is_new or self._store.markers(self._partition).has_all_of(step.changes))

    def _knows(self, step: Step) -> bool:
        """Return whether this store wrote the commit and its copy holds it: not if it is an older backup."""
        if step.epoch != self._store.changelog_position(self._partition).claim:
            return False
        ours, logged = self._store.offsets(self._partition), offsets_in(step.changes)
        return all(offset <= ours.get(topic, 0) for topic, offset in logged.items())

    def _start_anew(self, reason: str) -> bool:
        _log.info("%s-%d: %s; the changelog is read from its start", *self._tp, reason)
        self._store.drop(self._partition)
        self._begin(ChangelogPosition(self._log))
        return False

    def _new_sources(self, sources: Sources) -> Changes:
        """Return what to change for source topics that are new, or new ones under an old name."""
        stored = self._store.source_offsets
        known, offsets = stored.identities(self._partition), stored.offsets(self._partition)
        generations = stored.generations(self._partition)
        changes: dict[bytes, bytes | None] = {}
        for topic, identity in sources.identities.items():
            offset, end = offsets.get(topic, 0), sources.ends[topic]
            if known.get(topic, identity) != identity or end < offset:
                said = (topic, self._partition, offset, end)
                _log.warning("%s-%d: the topic was recreated (read to %d, ends at %d); read from 0", *said)
                changes[topic_key(OFFSET, topic)] = b"0"
                changes[topic_key(GENERATION, topic)] = str(generations.get(topic, 0) + 1).encode()
            if known.get(topic) != identity:
                changes[topic_key(IDENTITY, topic)] = identity.encode()
        return changes


def _stale(position: ChangelogPosition, log: str, end: int) -> str:
    """Return why the local copy cannot be of this changelog, nothing where it can."""
    if position.log != log:
        return "its changelog topic was recreated, or is another cluster's"
    if position.offset > end:
        return f"it knows the changelog up to offset {position.offset}, which ends at {end}"
    return ""
