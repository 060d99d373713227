"""How far the learner has come: what it must know, besides the model, to go on as if it had never stopped."""

import logging
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Final, NamedTuple

from stream.lessons import Lesson

__all__ = ["Mark", "Progress"]

_log = logging.getLogger(__name__)

# Examples that teach from one mark to the next, but for what a lesson has more: two times as many may be read
# in vain. Beyond the window they are further apart.
_MARK_EVERY: Final = 5_000
_FAR_MARK_EVERY: Final = 50_000


class Mark(NamedTuple):
    """A place in the examples, and how many had taught before it."""

    position: int
    taught: int
    learnt_to: dict[str, int]


_BEGINNING: Final[Mapping[str, Any]] = {
    "position": 0,
    "learnt_to": {},
    "epoch": 0,
    "log": "",
    "taught": 0,
    "marks": [(0, 0, {})],
    "tested_to": 0,
    "oversight": {},
}


class Progress:
    """Offsets that the model's state belongs to, and the steps that led from one publication to the next.

    Parameters
    ----------
    window
        Of how many of the last examples that taught the model must know the items.
    saved
        What `to_dict` had returned, to go on from; empty to begin.
    history
        How many of the last examples that taught may be asked for.

    Attributes
    ----------
    position
        The next offset of the examples.
    learnt_to
        The next offset of each source topic and partition: examples of events below are repeats.
    epoch
        How often the learner's part was taken over; a higher one ends the lower ones.
    log
        The identity of the examples topic that the position belongs to; empty before the first takeover.
    taught
        Examples that ever taught.
    marks
        Places in the examples, the oldest where the history begins or before.
    tested_to
        Below this offset the model was tested on what it is still to learn: one that took over.
    oversight
        Where the oversight stands (`stream.oversight`).
    """

    def __init__(self, window: int, saved: Mapping[str, Any], history: int = 0) -> None:
        self._window, self._history = window, max(window, history)
        saved = saved or _BEGINNING
        self.position: int = saved["position"]
        self.learnt_to: dict[str, int] = dict(saved["learnt_to"])
        self.epoch: int = saved["epoch"]
        self.log: str = saved["log"]
        self.taught: int = saved["taught"]
        self.marks = [Mark(*mark) for mark in saved["marks"]]
        self.tested_to: int = saved["tested_to"]
        self.oversight: dict[str, Any] = dict(saved["oversight"])
        self._steps: list[int] = []

    @property
    def decided(self) -> dict[str, int]:
        """How often each kind of decision was taken of the model."""
        return dict(self.oversight["retraining"]["counts"]) if self.oversight else {}

    @property
    def here(self) -> Mark:
        """Where it is."""
        return Mark(self.position, self.taught, dict(self.learnt_to))

    def take_over(self, log: str, end: int) -> None:
        """Begin an epoch, at the first record where the examples topic, by its identity, was recreated.

        So too where its ``end`` was lost, as a broker may lose it that loses its power. The examples that are
        gone and were not learnt yet are lost; the model keeps what they taught, and events whose examples
        come once more teach nothing.
        """
        if self.log not in ("", log) or end < self.position:
            at = self.position
            _log.warning("The examples were read to offset %d, and now end at %d; read anew", at, end)
            self.position, self.marks = 0, [Mark(0, self.taught, dict(self.learnt_to))]
            self.tested_to = 0
        self.epoch, self.log = self.epoch + 1, log

    def learnt(self, lesson: Lesson) -> None:
        """Count a lesson."""
        if size := len(lesson.examples.item):
            self._steps.append(size)
        self.position, self.learnt_to = lesson.next_offset, lesson.learnt_to
        self.taught += int(lesson.examples.teaches.sum())
        if self.taught - self.marks[-1].taught >= _MARK_EVERY:
            self.marks.append(self.here)
            self._drop_marks()

    def _drop_marks(self) -> None:
        """Keep the marks of the window, few of the history before it, and one where that begins."""
        kept: list[Mark] = []
        for mark, newer in pairwise(self.marks):
            ago = self.taught - newer.taught
            is_near_enough = kept and newer.taught - kept[-1].taught <= _FAR_MARK_EVERY
            if ago < self._window or (ago < self._history and not is_near_enough):
                kept.append(mark)
        self.marks = [*kept, self.marks[-1]]

    def mark_before(self, examples: int) -> Mark:
        """Return the newest mark with so many of the last examples that taught behind it, or the oldest."""
        found = [mark for mark in self.marks if self.taught - mark.taught >= examples]
        return found[-1] if found else self.marks[0]

    def go_back_to(self, place: Mark) -> None:
        """Go on from a place before, which another model has come to; what was tested is not tested again."""
        self.tested_to = max(self.tested_to, self.position)
        self.position, self.taught, self.learnt_to = place
        self.marks = [mark for mark in self.marks if mark.position <= place.position] or self.marks[:1]

    @property
    def has_steps(self) -> bool:
        """Whether a step was taken since the last were asked for."""
        return bool(self._steps)

    def take_steps(self) -> list[int]:
        """Return of how many examples each step was since the last call."""
        steps, self._steps = self._steps, []
        return steps

    def to_dict(self) -> dict[str, Any]:
        """Return what another learner needs to go on, of types that msgpack has."""
        return {
            "position": self.position,
            "learnt_to": dict(self.learnt_to),
            "epoch": self.epoch,
            "log": self.log,
            "taught": self.taught,
            "marks": [list(mark) for mark in self.marks],
            "tested_to": self.tested_to,
            "oversight": self.oversight,
        }
