"""How far the learner has come: what it must know, besides the model, to go on as if it had never stopped."""

import logging
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from stream.lessons import Lesson

__all__ = ["Mark", "Progress"]

_log = logging.getLogger(__name__)

# Examples that teach from one mark to the next, but for what a lesson has more: two times as many may be read
# in vain.
_MARK_EVERY: Final = 5_000


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
}


class Progress:
    """Offsets that the model's state belongs to, and the steps that led from one publication to the next.

    Parameters
    ----------
    window
        Of how many of the last examples that taught the model must know the items.
    saved
        What `to_dict` had returned, to go on from; empty to begin.

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
        Places in the examples, the oldest where the window begins or before.
    """

    def __init__(self, window: int, saved: Mapping[str, Any]) -> None:
        self._window = window
        saved = saved or _BEGINNING
        self.position: int = saved["position"]
        self.learnt_to: dict[str, int] = dict(saved["learnt_to"])
        self.epoch: int = saved["epoch"]
        self.log: str = saved["log"]
        self.taught: int = saved["taught"]
        self.marks = [Mark(*mark) for mark in saved["marks"]]
        self._steps: list[int] = []

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
        self.epoch, self.log = self.epoch + 1, log

    def learnt(self, lesson: Lesson) -> None:
        """Count a lesson."""
        if size := len(lesson.examples.item):
            self._steps.append(size)
        self.position, self.learnt_to = lesson.next_offset, lesson.learnt_to
        self.taught += int(lesson.examples.teaches.sum())
        if self.taught - self.marks[-1].taught >= _MARK_EVERY:
            self.marks.append(Mark(self.position, self.taught, dict(self.learnt_to)))
            while len(self.marks) > 1 and self.marks[1].taught <= self.taught - self._window:
                self.marks.pop(0)

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
        }
