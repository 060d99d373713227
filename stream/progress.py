"""How far the learner has come: what it must know, besides the model, to go on as if it had never stopped."""

import logging
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from stream.lessons import Lesson

__all__ = ["Progress", "ReplayPoint"]

_log = logging.getLogger(__name__)

# Lines of the memory from one replay point to the next: at most so many are read in vain, to fill it again.
_POINT_LINES: Final = 20_000


class ReplayPoint(NamedTuple):
    """A place in the examples, and what had been remembered before it."""

    position: int
    remembered: int
    learnt_to: dict[str, int]


class Progress:
    """Offsets that the model's state belongs to, and the steps that led from one publication to the next.

    Parameters
    ----------
    memory
        Lines that the model's memory holds.
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
    remembered
        Lines that the model's memory was ever given.
    replay_points
        Where to read the examples from for what the memory held.
    """

    def __init__(self, memory: int, saved: Mapping[str, Any]) -> None:
        self._memory = memory
        self.position: int = saved.get("position", 0)
        self.learnt_to: dict[str, int] = dict(saved.get("learnt_to", {}))
        self.epoch: int = saved.get("epoch", 0)
        self.log: str = saved.get("log", "")
        self.remembered: int = saved.get("remembered", 0)
        self.replay_points = [ReplayPoint(*point) for point in saved.get("marks", [(0, 0, {})])]
        self._steps: list[list[int]] = []

    def take_over(self, log: str, end: int) -> None:
        """Begin an epoch, at the first record where the examples topic, by its identity, was recreated.

        So too where its ``end`` was lost, as a broker may lose it that loses its power. The examples that are
        gone and wait in no memory yet are lost; the model keeps what they taught, and events whose examples
        come once more teach nothing.
        """
        if self.log not in ("", log) or end < self.position:
            at = self.position
            _log.warning("The examples were read to offset %d, and now end at %d; read anew", at, end)
            self.position, self.replay_points = 0, [ReplayPoint(0, self.remembered, dict(self.learnt_to))]
        self.epoch, self.log = self.epoch + 1, log

    def learnt(self, lesson: Lesson, remembered: int) -> None:
        """Count a lesson; ``remembered`` is how many lines the memory was ever given, with it."""
        step = [len(lesson.examples.item), 0, len(lesson.erased_users)]
        if any(step):
            self._steps.append(step)
        self.position, self.learnt_to = lesson.next_offset, lesson.learnt_to
        self.remembered = remembered
        if remembered - self.replay_points[-1].remembered >= _POINT_LINES:
            self.replay_points.append(self.replay_point)
            while (
                len(self.replay_points) > 1 and self.replay_points[1].remembered <= remembered - self._memory
            ):
                self.replay_points.pop(0)

    @property
    def replay_point(self) -> ReplayPoint:
        """Where it stands now."""
        return ReplayPoint(self.position, self.remembered, dict(self.learnt_to))

    def replayed(self) -> None:
        """Count a replay."""
        if not self._steps:
            self._steps.append([0, 0, 0])
        self._steps[-1][1] += 1

    @property
    def has_steps(self) -> bool:
        """Whether a step was taken since the last were asked for."""
        return bool(self._steps)

    def take_steps(self) -> list[list[int]]:
        """Return the steps since the last call.

        Of each the examples, the replays after them, and how many users were erased in between.
        """
        steps, self._steps = self._steps, []
        return steps

    def to_dict(self) -> dict[str, Any]:
        """Return what another learner needs to go on, of types that msgpack has."""
        points = [[point.position, point.remembered, dict(point.learnt_to)] for point in self.replay_points]
        return {
            "position": self.position,
            "learnt_to": dict(self.learnt_to),
            "epoch": self.epoch,
            "log": self.log,
            "remembered": self.remembered,
            "marks": points,
        }
