"""TensorBoard's curves of who learns: what it learns, how well, and how often something was decided."""

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from time import monotonic
from typing import Any, Final

from models.metrics import Scoreboard
from models.recommender import Recommender
from stream.settings import BadSetting

__all__ = ["Board"]

# Seconds from one point of the curves to the next.
_EVERY: Final = 5.0


class Board:
    """Writes event files into a folder while a worker learns; every point is at the examples learnt by then.

    ============  =======================================================================================
    curves        of
    ============  =======================================================================================
    loss          the latest lesson, in nats
    hit_rate_20   what was served, and each baseline: since the start, and ``lately``, since the last point
    mrr_20        likewise
    drift         each signal that is watched: its mean of late
    decisions     each kind: how often so far
    rows          items that have a row
    ============  =======================================================================================

    Parameters
    ----------
    folder
        For the files; made where it is missing, once there is something to write. Without one nothing is.

    Raises
    ------
    BadSetting
        If the package is not installed.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._writer: Any = None
        try:
            if folder is not None:  # the import takes a second, and an extra
                self._open: Callable[[str], Any] = import_module("torch.utils.tensorboard").SummaryWriter
        except ImportError as error:
            raise BadSetting("HEADRACE_TENSORBOARD needs more: pip install headrace[tensorboard]") from error
        self._before: dict[str, list[int]] = {}
        self._written_at = 0.0

    def note(self, recommender: Recommender, loss: float, decided: Mapping[str, int]) -> None:
        """Write a point, if the one before is long enough ago; ``decided`` are the counts by kind."""
        if self._folder is None or monotonic() - self._written_at < _EVERY:
            return
        self._written_at = monotonic()
        self._writer = self._writer or self._open(str(self._folder))
        points = {"loss": loss, "rows": recommender.items, **self._quality(recommender)}
        points |= {f"drift/{signal}": level for signal, level in recommender.monitor.levels.items()}
        points |= {f"decisions/{kind}": count for kind, count in decided.items()}
        for name, value in points.items():
            self._writer.add_scalar(name, value, recommender.learnt)

    def close(self) -> None:
        """Write what is not written yet."""
        if self._writer is not None:
            self._writer.close()

    def _quality(self, recommender: Recommender) -> dict[str, float]:
        points, ranks = {}, recommender.exam.ranks
        for model, counts in ranks.items():
            before = self._before.get(model, [0] * len(counts))
            lately = [now - then for now, then in zip(counts, before, strict=True)]
            for name, board in ((model, counts), (f"{model}_lately", lately)):
                quality = Scoreboard(board).quality
                if quality.scored:
                    points[f"hit_rate_20/{name}"] = quality.hit_rate_20
                    points[f"mrr_20/{name}"] = quality.mrr_20
        self._before = ranks
        return points
