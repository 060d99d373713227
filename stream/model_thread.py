"""One thread for everything that touches the model, off the event loop, so that heartbeats go on."""

import asyncio
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

import torch

__all__ = ["ModelThread", "share_cores"]

_Result = TypeVar("_Result")
# Every torch operation lets go of the interpreter and asks for it again, and would wait CPython's 5 ms for a
# busy event loop each time: a step of two hundred operations took a second.
_SWITCH_SECONDS: Final = 0.0002


class ModelThread:
    """Runs calls one after the other, in the order in which they were asked for.

    Learning and ranking take turns here, so that neither sees the other's half-done work, and neither can
    starve the other: under load each gets its batch.
    """

    def __init__(self) -> None:
        torch.set_num_threads(1)  # the thread that asks computes little, and has no cores to spare for it
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="model", initializer=share_cores)

    async def run(self, call: Callable[..., _Result], *arguments: object) -> _Result:
        """Return what ``call(*arguments)`` returns, from the model's thread."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, call, *arguments)

    def close(self) -> None:
        """Finish what was asked for, and end the thread."""
        self._executor.shutdown()


def share_cores() -> None:
    """Leave half of the cores to the event loop, to Kafka's client and to the broker of a laptop.

    It must be said on the very thread that computes: OpenMP keeps the number by thread, and threads of
    its own that wait for each other on cores that are busy cost hundreds of times the work they share.
    """
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // 2))
    sys.setswitchinterval(_SWITCH_SECONDS)
