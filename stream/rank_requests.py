"""Requests for rankings: those that wait for the model's thread at a time are answered by one call."""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import NamedTuple

import numpy as np
import torch

from models.answers import Ranked
from models.batch import Longs
from models.context import Context
from stream.model_thread import ModelThread

__all__ = ["RankRequests"]


class _Request(NamedTuple):
    context: Context  # of B users
    banned: Longs  # int64[B, X] keys
    k: int
    answer: "Future[Ranked]"


class RankRequests:
    """Joins what waits, as servers of models do (Crankshaw et al., Clipper, NSDI 2017).

    A ranking for six users costs nearly as much as one for sixty: most of it goes into starting a thousand
    small operations. So under load the requests of several partitions cost what one does.

    Parameters
    ----------
    thread
        Whose turns are waited for.
    rank
        Ranks ``k`` items for B contexts, but for those that are banned, int64[B, X].
    """

    def __init__(self, thread: ModelThread, rank: Callable[[Context, Longs, int], Ranked]) -> None:
        self._thread, self._rank = thread, rank
        self._waiting: deque[_Request] = deque()

    async def ask(self, context: Context, banned: Longs, k: int) -> Ranked:
        """Return the best ``k`` items for B contexts; ``banned`` is int64[B, X] keys, 0 for none."""
        request = _Request(context, banned, k, Future())
        self._waiting.append(request)
        await self._thread.run(self._answer)
        return request.answer.result()

    def _answer(self) -> None:
        """Answer all that wait; who comes to find out has been answered already, or is now."""
        taken = [self._waiting.popleft() for _ in range(len(self._waiting))]
        for k in {request.k for request in taken}:
            together = [request for request in taken if request.k == k]
            try:
                answers = self._together(together, k)
            except Exception as error:  # noqa: BLE001 - each who has asked is to know
                for request in together:
                    request.answer.set_exception(error)
            else:
                for request, answer in zip(together, answers, strict=True):
                    request.answer.set_result(answer)

    def _together(self, requests: Sequence[_Request], k: int) -> list[Ranked]:
        if len(requests) == 1:
            return [self._rank(requests[0].context, requests[0].banned, k)]
        context = Context(*map(torch.cat, zip(*(request.context for request in requests), strict=True)))
        ranked = self._rank(context, _joined([request.banned for request in requests]), k)
        ends = np.cumsum([len(request.banned) for request in requests])[:-1]
        columns = [[None] * len(requests) if it is None else np.split(it, ends) for it in ranked]
        return [Ranked(*parts) for parts in zip(*columns, strict=True)]


def _joined(parts: Sequence[Longs]) -> Longs:
    """Return the lines of all, int64[B, X], as wide as the widest."""
    width = max(part.shape[1] for part in parts)
    return np.concatenate([np.pad(part, ((0, 0), (0, width - part.shape[1]))) for part in parts])
