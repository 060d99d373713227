"""``headrace bench``: the figures that the README quotes, measured on this machine."""

from typing import Final

import click

from stream.late_commands import LateCommands, Place

__all__ = ["bench"]

_PLACES: Final = {
    name: Place(f"stream.bench.{name}", says)
    for name, says in {
        "behaviour": "How near purchases that come late let chances come to what can be known.",
        "beside": "What a worker loses while a challenger is trained beside it.",
        "chaos": "Faults of every kind: nothing lost, nothing counted twice.",
        "cost": "What checkpoints take from the throughput.",
        "drift": "Whether alarms are right, and a poisoned champion goes again.",
        "e2e": "Events a second and latency through one worker, with the full model.",
        "fresh": "How long until what an event has taught is served by another worker.",
        "ingest": "Events a second that profiles take in.",
        "learn": "Examples a second that the model learns.",
        "rank": "How long a list of twenty takes, by items and users at once.",
        "recover": "How long until a killed worker is ready again.",
        "replay": "How fast the replay producer is, and how well it keeps a rate.",
        "retrain": "That retraining does no harm on recorded logs.",
        "table": "Keys a second that the model's table finds, admits and evicts.",
    }.items()
}


@click.group(cls=LateCommands, places=_PLACES)
def bench() -> None:
    """Measure on this machine what the README quotes; exit with 1 where a bound is missed."""
