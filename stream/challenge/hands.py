"""What the learner does for its oversight."""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from stream.challenge.kept import KeptModel
from stream.progress import Progress

__all__ = ["Hands", "NotLearning", "Replaced"]

_Result = TypeVar("_Result")


class NotLearning(Exception):
    """The learner's part is not this worker's any more."""


# Is given the model that was replaced, and the progress as it is now.
Replaced = Callable[[KeptModel, Progress], Awaitable[None]]


class Hands(Protocol):
    """What the learner does for its oversight; raises `NotLearning` where it does not learn."""

    async def in_turn(self, call: Callable[[Progress], Awaitable[_Result]]) -> _Result:
        """Return what a call returns that is made between two lessons."""

    async def keep(self) -> KeptModel:
        """Return the model as it is; only from within a turn."""

    async def replace(self, successor: KeptModel, decide: Replaced) -> None:
        """Put another model in the place of the one that learns, and publish all of that at once."""
