"""What an oracle has found after a storm."""

import msgspec

__all__ = ["Verdict"]


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What an oracle found.

    Attributes
    ----------
    events
        Usable events that are no repeats of others, and not erased.
    lost, doubled
        Events that are in no profile or without an answer; that are in a profile twice.
    unequal
        Users whose profile is not the pure fold, in the changelog or in a worker's store.
    unexpected_answers, differing_answers, repeated_answers
        As `Answers` has them.
    refused, missing_dead_letters
        Records that are no events, and those of them without a dead letter.
    learnt, missing_lessons
        Examples that the learner has learnt from, and events that teach and that it has not learnt from.
    unexpected_lessons
        Examples of no event that teaches, or of one that came before.
    unequal_rows
        Rows of the model that are not what its steps lead to, bit for bit.
    erased, failed_erasures
        Events that the erasures of their users have taken back; users who were not erased as it was asked
        for, or of whom no decision tells.
    """

    events: int
    lost: int
    doubled: int
    unequal: int
    unexpected_answers: int
    differing_answers: int
    repeated_answers: int
    refused: int
    missing_dead_letters: int
    learnt: int
    missing_lessons: int
    unexpected_lessons: int
    unequal_rows: int
    erased: int
    failed_erasures: int

    @property
    def holds(self) -> bool:
        """Whether nothing is lost, nothing counted twice, and all is as the pure functions say."""
        events = (self.lost, self.doubled, self.unequal, self.unexpected_answers, self.missing_dead_letters)
        lessons = (self.missing_lessons, self.unexpected_lessons, self.unequal_rows)
        return not any((*events, *lessons, self.failed_erasures))
