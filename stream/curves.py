"""A picture of how the hit rates went over the events."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from matplotlib.figure import Figure

from stream.evaluation import Standing

__all__ = ["draw_curves"]

_PANEL_INCHES: Final = (8.0, 4.0)


def draw_curves(curves: Mapping[str, list[Standing]], file: Path) -> None:
    """Write a picture with a panel for each log: the hit rate so far of each model over the events.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    width, height = _PANEL_INCHES
    figure = Figure(figsize=(width, height * len(curves)), layout="constrained")
    panels = figure.subplots(len(curves), squeeze=False)[:, 0]
    for panel, (log, curve) in zip(panels, curves.items(), strict=True):
        events = [standing.events for standing in curve]
        for model in curve[-1].quality:
            panel.plot(events, [standing.quality[model].hit_rate_20 for standing in curve], label=model)
        panel.set(title=log, xlabel="events", ylabel="hit_rate_20 so far", ylim=(0, None))
        panel.grid(alpha=0.3)
        panel.legend()
    figure.savefig(file)
